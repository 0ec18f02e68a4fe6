export function overflows(): string[];
export function pageWidth(): number;
export function bodyColours(): [background: string, text: string];
export function lowContrasts(within: string): string[];

export function clockLibrary(env?: NodeJS.ProcessEnv): string;
export function provideClockLibrary(): void;

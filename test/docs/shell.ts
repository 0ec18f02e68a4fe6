export interface Call {
  /** The line as it stands there. */
  readonly line: string;
  /** Variables that are set in front of it. */
  readonly env: Readonly<Record<string, string>>;
  readonly args: readonly string[];
}

const ASSIGNMENT = /^([A-Z_][A-Z0-9_]*)=(.*)$/;

/** The calls of fanmail in a shell snippet; variables that it exports are set for the calls after it. */
export function callsIn(snippet: string): Call[] {
  const exported: Record<string, string> = {};
  const calls: Call[] = [];
  for (const line of snippet.replaceAll('\\\n', ' ').split('\n')) {
    let words = wordsOf(line);
    const env: Record<string, string> = { ...exported };
    for (const word of words[0] === 'export' ? words.slice(1) : []) {
      const [, name, value] = ASSIGNMENT.exec(word) ?? [];
      if (name !== undefined) exported[name] = value ?? '';
    }
    for (let set = ASSIGNMENT.exec(words[0] ?? ''); set; set = ASSIGNMENT.exec(words[0] ?? '')) {
      env[set[1] ?? ''] = set[2] ?? '';
      words = words.slice(1);
    }
    if (words[0] === 'npx') words = words.slice(1);
    if (words[0] === 'fanmail') calls.push({ line, env, args: words.slice(1) });
  }
  return calls;
}

/** The words of a line up to a comment or `&`: quotes are taken off, and `<id>` counts as any word. */
function wordsOf(line: string): string[] {
  const words: string[] = [];
  for (const [word] of line.matchAll(/(?:"[^"]*"|'[^']*'|<[a-z-]+>|[^\s"'<>])+/g)) {
    if (word.startsWith('#') || word === '&') break;
    words.push(word.replaceAll(/<([a-z-]+)>(?![^"]*")/g, '$1').replaceAll(/["']/g, ''));
  }
  return words;
}

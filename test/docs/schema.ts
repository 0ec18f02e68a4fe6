type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What of JSON Schema the summary's schema uses. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maxItems?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly propertyNames?: Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly $defs?: Readonly<Record<string, Schema>>;
}

const KEYWORDS = new Set(
  'type const enum pattern format minimum maxItems required properties additionalProperties propertyNames items oneOf $ref $defs $schema title description'.split(
    ' ',
  ),
);

/** What is wrong with a value, one line each; none where it is valid. Throws for a keyword that is not known here. */
export function faults(value: unknown, schema: Schema, root: Schema = schema, at = '$'): string[] {
  for (const keyword of Object.keys(schema)) {
    if (!KEYWORDS.has(keyword)) throw new Error(`the keyword ${keyword} is not checked here`);
  }
  const found: string[] = [];
  const wrong = (what: string) => found.push(`${at}: ${what}`);
  if (schema.$ref) found.push(...faults(value, definition(schema.$ref, root), root, at));
  if (schema.type && !isOfType(value, schema.type)) wrong(`${JSON.stringify(value)} is no ${schema.type}`);
  if ('const' in schema && value !== schema.const) wrong(`is not ${JSON.stringify(schema.const)}`);
  if (schema.enum && !schema.enum.some((one) => one === value)) wrong(`${JSON.stringify(value)} is none of the values`);
  if (typeof value === 'string') {
    if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) wrong(`"${value}" is not of the pattern`);
    if (schema.format === 'date-time' && Number.isNaN(Date.parse(value))) wrong(`"${value}" is no time`);
  }
  if (typeof value === 'number' && schema.minimum !== undefined && value < schema.minimum)
    wrong(`${value} is too small`);
  if (schema.oneOf && schema.oneOf.filter((one) => faults(value, one, root, at).length === 0).length !== 1)
    wrong('is not exactly one of the forms');
  if (Array.isArray(value)) {
    if (schema.maxItems !== undefined && value.length > schema.maxItems) wrong(`has ${value.length} items`);
    const { items } = schema;
    if (items) found.push(...value.flatMap((item, i) => faults(item, items, root, `${at}[${i}]`)));
  } else if (typeof value === 'object' && value !== null) found.push(...faultsOfObject(value, schema, root, at));
  return found;
}

function faultsOfObject(value: object, schema: Schema, root: Schema, at: string): string[] {
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(value, name));
  const found = missing.map((name) => `${at}: ${name} is missing`);
  for (const [name, item] of Object.entries(value)) {
    if (schema.propertyNames) found.push(...faults(name, schema.propertyNames, root, `${at}, the name ${name}`));
    const known = schema.properties?.[name] ?? schema.additionalProperties;
    if (known) found.push(...faults(item, known, root, `${at}.${name}`));
  }
  return found;
}

function definition(ref: string, root: Schema): Schema {
  const found = root.$defs?.[ref.replace('#/$defs/', '')];
  if (!found) throw new Error(`there is no ${ref}`);
  return found;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

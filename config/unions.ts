/**
 * What each alternative of a union says of a value. zod keeps that to itself where the mistakes of just one of them
 * leave its shape whole, and an unknown key does: `type: uint64` was an unknown key of the alternative that has no type.
 */
import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** What is read of a schema here. */
interface Def {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly values?: readonly unknown[];
}
const defOf = (schema: z.ZodType) => schema.def as unknown as Def;

/** Without what gives defaults, makes optional or transforms. */
function bare(schema: z.ZodType): z.ZodType {
  const { innerType, in: from } = defOf(schema);
  const next = innerType ?? from;
  return next === undefined ? schema : bare(next);
}

const valueIn = (value: unknown, part: PropertyKey): unknown =>
  (value as Record<PropertyKey, unknown> | null | undefined)?.[part];

/** The alternative whose word stands there. */
const choiceOf = ({ options = [], discriminator = '' }: Def, value: unknown): z.ZodType | undefined =>
  options.find((one) => {
    const word = defOf(bare(one)).shape?.[discriminator];
    return word !== undefined && defOf(bare(word)).values?.includes(valueIn(value, discriminator)) === true;
  });

/** The first union on a path, that no word decides, and how far it is. */
function unionOn(
  schema: z.ZodType,
  path: readonly PropertyKey[],
  value: unknown,
  depth = 0,
): { readonly options: readonly z.ZodType[]; readonly depth: number; readonly value: unknown } | undefined {
  const def = defOf(bare(schema));
  if (def.type === 'union' && def.discriminator === undefined)
    return { options: def.options ?? [], depth, value };
  if (def.type === 'union') {
    const choice = choiceOf(def, value);
    return choice === undefined ? undefined : unionOn(choice, path, value, depth);
  }
  const part = path[depth];
  if (part === undefined) return undefined;
  const next = def.shape?.[String(part)] ?? def.element ?? def.valueType;
  return next === undefined ? undefined : unionOn(next, path, valueIn(value, part), depth + 1);
}

/** The mistakes of `data`, of a union always those of each alternative. */
export function withAlternatives(
  issues: readonly Issue[],
  schema: z.ZodType,
  data: unknown,
): readonly Issue[] {
  const seen = new Set<string>();
  return issues.flatMap((issue) => {
    const union = unionOn(schema, issue.path, data);
    if (union === undefined) return [issue];
    const path = issue.path.slice(0, union.depth);
    const errors = union.options.map((one) => {
      const { error } = one.safeParse(union.value);
      return [...withAlternatives(error?.issues ?? [], one, union.value)];
    });
    // An alternative is content: it is what stands around it that is not.
    if (errors.some((branch) => branch.length === 0)) return [issue];
    const key = JSON.stringify(path);
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ code: 'invalid_union', path, errors, message: 'Invalid input' } as Issue];
  });
}

/** What the command line may say of a city's page; page-options.ts checks it. */

/** Of the command line. */
export const pageOptions = {
  listen: { type: 'string' },
  data: { type: 'string' },
  city: { type: 'string' },
  timezone: { type: 'string' },
  name: { type: 'string', multiple: true },
  proxy: { type: 'string', multiple: true },
  cert: { type: 'string' },
  key: { type: 'string' },
} as const;

export interface PageValues {
  readonly listen?: string | undefined;
  readonly data?: string | undefined;
  readonly city?: string | undefined;
  readonly timezone?: string | undefined;
  readonly name?: readonly string[] | undefined;
  readonly proxy?: readonly string[] | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** An enrolment as an uplink of a config. Pure. */
import { dirname, isAbsolute, relative } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { editYaml, type Hunk } from '../../../config/edit.ts';
import type { EnrolmentPaths } from '../../enrolment/kept.ts';
import { type Granted, ISSUER } from '../../enrolment/wire.ts';

/** As it stands in the file, as far as it is looked at. */
export interface WrittenConfig {
  readonly dataDir?: unknown;
  readonly uplinks?: readonly Readonly<Record<string, unknown>>[] | null;
}

export interface Enrolled {
  readonly uplink: string;
  readonly campus: string;
  readonly paths: EnrolmentPaths;
  readonly granted: Pick<Granted, 'uplink' | 'keys'>;
}

/** What an operator of the platform may ask of a new uplink: signed by the platform, and no more than taking alarms. */
const mayAsk = [
  'replay',
  { actions: ['acknowledge', 'close'], targets: ['gateway'], issuers: [ISSUER], signed: true },
];

/** `file`: of the config. @throws EditError where it cannot be edited in place. */
export function withUplink(
  text: string,
  written: WrittenConfig,
  file: string,
  { uplink, campus, paths, granted }: Enrolled,
): { readonly text: string; readonly hunks: readonly Hunk[] } {
  const isAway = typeof written.dataDir === 'string' && isAbsolute(written.dataDir);
  const pathOf = (path: string) => (isAway ? path : `./${relative(dirname(file), path)}`);
  const { urls, username, prefix } = granted.uplink;
  const made = {
    urls,
    tls: { caFile: pathOf(paths.caFile), certFile: pathOf(paths.certFile), keyFile: pathOf(paths.certFile) },
    enrolmentFile: pathOf(paths.file),
    ...(username !== undefined && { username }),
    ...(prefix !== `campus/v1/${campus}` && { topicPrefix: prefix }),
  };
  const edits = editYaml(text);
  const at = written.uplinks?.findIndex(({ id }) => id === uplink) ?? -1;
  const before = written.uplinks?.[at];
  if (before === undefined) {
    const commands = granted.keys.length === 0 ? {} : { commands: mayAsk };
    const one = { id: uplink, ...made, receipts: true, ...commands };
    if (Array.isArray(written.uplinks)) edits.append(['uplinks'], one);
    else edits.set(['uplinks'], [one]);
    return edits.apply();
  }
  // What the platform says now takes the place of what stood there: one address, a password.
  for (const key of ['url', 'password', 'passwordFile', ...(username === undefined ? ['username'] : [])])
    if (key in before) edits.remove(['uplinks', at, key]);
  const tls = { ...(before['tls'] as object | undefined), ...made.tls };
  for (const [key, value] of Object.entries({ ...made, tls }))
    if (!isDeepStrictEqual(before[key], value)) edits.set(['uplinks', at, key], value);
  return edits.apply();
}

/** What is wrong with terminals of the config that their schema alone cannot see: they would never be heard. Pure. */

import { isIP } from 'node:net';
import { plainAddress } from '../addresses.ts';
import type { Clash, Problem } from '../contract/driver.ts';
import { isLoopback } from '../contract/options.ts';
import type { Terminal } from './options.ts';
import type { Profile } from './profile.ts';
import { lapiRules, type RequestRule } from './requests.ts';

const TABLES = /^(attlog|operlog|rtlog|rtstate|transaction)$/i;
/** ZKTeco's tables, whose addresses are fixed in the terminal. */
const isOfTables = (profile: Profile | undefined) =>
  profile?.observations.some(({ when }) =>
    when.some(
      (one) => one.path.join() === 'table' && 'in' in one && one.in.some((name) => TABLES.test(name)),
    ),
  ) === true;
/** The records of Uniview's LAPI, whose addresses are fixed too. */
const isOfLapi = (profile: Profile | undefined) =>
  profile?.observations.some(({ when }) => when.some(({ path: [first] }) => first === 'LibMatInfoList')) ===
  true;

/** The streams that are known: what stands in the address, and the members of which a profile for it speaks. */
const streams = [
  { name: 'alertStream', path: /\/alertStream$/i, members: ['eventType', 'AccessControllerEvent'] },
  { name: 'eventManager', path: /\/eventManager\.cgi$/i, members: ['Code'] },
] as const;
const speaksOf = (profile: Profile | undefined, members: readonly string[]) => {
  const text = JSON.stringify(profile ?? {});
  return members.some((member) => text.includes(`"${member}"`));
};
/** A stream in which nothing comes for 90 s is taken for dead (pull.ts). */
const HEARTBEAT_MOST_S = 60;

/** An address and a profile that do not go together, and a stream that would seem dead. */
function addressOfStreamProblems(url: string, profile: Profile | undefined): readonly Problem[] {
  const { pathname, searchParams } = new URL(url);
  const stream = streams.find(({ path }) => path.test(pathname));
  const found: Problem[] = [];
  if (stream !== undefined && profile !== undefined && !speaksOf(profile, stream.members))
    found.push(
      problem(
        ['profile'],
        `this profile reads nothing of ${stream.name}: the terminal's own, or another address`,
      ),
    );
  const heartbeat = Number(searchParams.get('heartbeat') ?? 0);
  if (stream?.name === 'eventManager' && !(heartbeat >= 1 && heartbeat <= HEARTBEAT_MOST_S))
    found.push(
      problem(
        ['pull', 'url'],
        `without a heartbeat within ${HEARTBEAT_MOST_S} s it is taken for dead where nothing happens: &heartbeat=10 in the address`,
      ),
    );
  return found;
}

const problem = (path: Problem['path'], message: string): Problem => ({ path, message });

export function terminalProblems({ options: own, profile }: Terminal): readonly Problem[] {
  const { listen, pull, from, username, passwordFile, tokenFile } = own;
  if ((listen === undefined) === (pull === undefined))
    return [problem(['listen'], 'one of listen and pull is needed')];
  if (pull !== undefined) return streamProblems(own, pull.url, profile);
  if (from === undefined && passwordFile === undefined && tokenFile === undefined)
    return [
      {
        path: ['listen'],
        message: 'anybody could push: from, username and passwordFile, or tokenFile is needed',
        zh: '任何人都可以推送：需要 from、username 和 passwordFile，或 tokenFile',
      },
    ];
  if ((username === undefined) !== (passwordFile === undefined))
    return [problem(['passwordFile'], 'username and passwordFile go together')];
  return [...addressProblems(own), ...wayProblems(own, profile)];
}

/** Of a terminal that is read. */
function streamProblems(
  own: Terminal['options'],
  url: string,
  profile: Profile | undefined,
): readonly Problem[] {
  const idle = (['from', 'username', 'passwordFile', 'tokenFile', 'serial'] as const).filter(
    (key) => own[key] !== undefined,
  );
  const { username, password } = new URL(url);
  return [
    ...idle.map((key) =>
      problem([key], `of terminals that push (listen): of one that is read, name and password stand in pull`),
    ),
    ...(username === '' && password === ''
      ? []
      : [
          problem(
            ['pull', 'url'],
            'name and password stand beside the address, in username and passwordFile',
          ),
        ]),
    ...(isOfTables(profile) || isOfLapi(profile)
      ? [problem(['pull'], 'a terminal with this profile has no stream, it pushes: listen')]
      : addressOfStreamProblems(url, profile)),
  ];
}

/** Addresses from which nobody comes. */
function addressProblems({ listen, from = [] }: Terminal['options']): readonly Problem[] {
  const wrong = from.flatMap((address, i) =>
    isIP(plainAddress(address)) !== 0
      ? []
      : [problem(['from', i], `"${address}" is no address: each terminal's own, such as 10.0.0.31`)],
  );
  if (wrong.length > 0 || from.length === 0 || listen === undefined || !isLoopback(listen.host)) return wrong;
  return from.some((address) => isLoopback(plainAddress(address)))
    ? []
    : [
        problem(
          ['listen'],
          `${listen.host} is heard on this machine only, where nobody from ${from.join(', ')} comes: host: 0.0.0.0, or the gateway's address in their network`,
        ),
      ];
}

/** What a terminal cannot say. */
function wayProblems(own: Terminal['options'], profile: Profile | undefined): readonly Problem[] {
  const { serial, from, passwordFile, tokenFile, authentication } = own;
  const found: Problem[] = [];
  if (authentication === 'digest' && passwordFile === undefined)
    found.push(problem(['authentication'], 'nothing is asked for without username and passwordFile'));
  if (
    serial !== undefined &&
    !isOfTables(profile) &&
    streams.some(({ members }) => speaksOf(profile, members))
  )
    found.push(problem(['serial'], 'a terminal with this profile says none: it is of ZKTeco, leave it out'));
  if (isOfTables(profile) && serial === undefined)
    found.push(
      problem(['profile'], 'a terminal with this profile is known by its serial number: serial is needed'),
    );
  if (isOfTables(profile) && passwordFile !== undefined)
    found.push(
      problem(['passwordFile'], 'a terminal with this profile says no password: from is what it is known by'),
    );
  const hasPathsOfItsOwn = isOfTables(profile) || isOfLapi(profile);
  if (hasPathsOfItsOwn && tokenFile !== undefined)
    found.push(
      problem(
        ['tokenFile'],
        `the addresses are fixed in a terminal with this profile, without a token: from${from === undefined ? '' : ' alone'}`,
      ),
    );
  return found;
}

/** The paths that name nobody, where a terminal with this profile reports to them what happens. */
const namelessOf = (profile: Profile | undefined): readonly RequestRule[] =>
  [...(isOfLapi(profile) ? lapiRules : []), ...(profile?.requests ?? [])].filter(
    ({ path, events }) => events && !path.includes('{device}'),
  );
/** Whether a sender is one of two for certain, as `senderOf` of push.ts judges. */
function canBeTold({ options: a }: Terminal, { options: b }: Terminal): boolean {
  const isApart =
    (a.from === undefined) !== (b.from === undefined) ||
    (a.from !== undefined &&
      !a.from.some((address) => b.from?.some((other) => plainAddress(other) === plainAddress(address))));
  return isApart || (a.username !== undefined && b.username !== undefined && a.username !== b.username);
}

/** Terminals of one port, or of one stream, of which only one would be heard. */
export function terminalClashes(terminals: readonly Terminal[]): readonly Clash[] {
  return terminals.flatMap((one, i) =>
    terminals.slice(0, i).flatMap((other) => clashOf(other, one).slice(0, 1)),
  );
}

function clashOf(first: Terminal, one: Terminal): readonly Clash[] {
  const { id: device, options, profile } = one;
  if (options.pull !== undefined)
    return [
      {
        ...{ device, path: ['pull', 'url'] },
        en: `${first.id} reads this stream already: each event would be told twice`,
        zh: `${first.id} 已在读取该事件流：每个事件都会重复上报`,
      },
    ];
  if (options.serial !== undefined && options.serial === first.options.serial)
    return [
      {
        ...{ device, path: ['serial'] },
        en: `${first.id} has this serial number too: only one of the two would be heard`,
        zh: `${first.id} 使用相同的序列号：二者只有一个能被识别`,
      },
    ];
  const theirs = namelessOf(first.profile);
  const shared = namelessOf(profile).find(({ method, path }) =>
    theirs.some((rule) => rule.method === method && rule.path === path),
  );
  if (shared === undefined || canBeTold(first, one)) return [];
  return [
    {
      ...{ device, path: [options.from === undefined ? 'listen' : 'from'] },
      en: `${first.id} reports to ${shared.path} too, and nothing tells the two apart: give each its own address in from, or its own username`,
      zh: `${first.id} 也上报到 ${shared.path}，二者无法区分：请在 from 中写各自的地址，或使用各自的 username`,
    },
  ];
}

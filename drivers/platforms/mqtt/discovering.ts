/**
 * Shows what there is to Home Assistant, retained, and takes away what is there of this campus and is no more: also what an
 * earlier start, or an earlier config, showed.
 */
import type { PlatformHost } from '../../contract/transport.ts';
import type { Connection } from './connection.ts';
import { nodeOf, wallConfigs } from './home-assistant.ts';
import { DISCOVERY, type Showing } from './showing.ts';
import type { Subscribing } from './subscribing.ts';

/** So many at once, so often: alarms share the connection, and some thousand zones are some MB. */
const AT_ONCE = 20;
const EVERY_MS = 250;
/** What is there changes seldom; that a device answers or not is told at once and by the hundred, and is no part of it. */
const LOOK_EVERY_MS = 2000;
/** Of others' making, under our name: what is more stays. */
const WITHDRAWN_MAX = 10_000;

/** Until the connection ends. `root`: the discovery prefix. `isShown`: false takes away all. */
export function showToHomeAssistant(
  connection: Pick<Connection, 'ended'>,
  { showing, subscribing }: { readonly showing: Showing; readonly subscribing: Pick<Subscribing, 'hear'> },
  host: PlatformHost,
  { prefix, root, isShown }: { readonly prefix: string; readonly root: string; readonly isShown: boolean },
): void {
  /** As it was shown over this connection, by the rest of its topic. */
  const shown = new Map<string, string>();
  let wanted: ReadonlyMap<string, () => string> = new Map();
  /** Paths whose turn comes. */
  const waiting = new Set<string>();
  let withdrawn = 0;
  let draining: { stop(): void } | undefined;
  const drain = () => {
    for (const path of [...waiting].slice(0, AT_ONCE)) {
      waiting.delete(path);
      const payload = wanted.get(path)?.() ?? '';
      if (shown.get(path) === payload) continue;
      if (payload === '') shown.delete(path);
      else shown.set(path, payload);
      showing.publish(`${DISCOVERY}/${path}`, payload);
    }
    if (waiting.size > 0) return;
    draining?.stop();
    draining = undefined;
  };
  const put = (path: string) => {
    waiting.add(path);
    draining ??= host.clock.every(EVERY_MS, drain);
  };
  let known = '';
  const look = () => {
    if (!isShown) return;
    const things = host.inventory();
    const places = host.places?.() ?? { areas: [], doors: [] };
    const now = JSON.stringify([things.map(({ online: _online, guard: _guard, ...thing }) => thing), places]);
    if (now === known) return;
    known = now;
    wanted = wallConfigs({
      campus: host.campus,
      campusName: host.campusData().name,
      version: host.version,
      prefix,
      things,
      places,
      mayArm: (area) => host.mayAskUnsigned?.('arm', area) === true && host.mayAskUnsigned('disarm', area),
    });
    for (const path of [...shown.keys(), ...wanted.keys()]) put(path);
  };
  look();
  subscribing.hear(`${root}/+/${nodeOf(host.campus)}/+/config`, ({ topic, payload }) => {
    const path = topic.slice(root.length + 1);
    if (payload.length === 0 || wanted.has(path) || withdrawn >= WITHDRAWN_MAX) return;
    withdrawn++;
    put(path);
  });
  let looking: { stop(): void } | undefined;
  const stop = host.onInventory(() => {
    looking ??= host.clock.after(LOOK_EVERY_MS, () => {
      looking = undefined;
      look();
    });
  });
  void connection.ended.then(() => {
    stop();
    looking?.stop();
    draining?.stop();
  });
}

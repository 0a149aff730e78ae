/** Sends events of one lane to a platform again, over a connection of its own. */
import { join } from 'node:path';
import { contractVersion, type EventType } from '../../../config/catalogue/events.ts';
import { wantsOf } from '../../../config/catalogue/filter.ts';
import { say } from '../../../config/language.ts';
import type { UplinkConfig } from '../../../config/sections/uplinks.ts';
import { systemClock } from '../../../drivers/contract/clock.ts';
import { noThings } from '../../../drivers/contract/inventory.ts';
import type { Lane } from '../../../drivers/contract/lane.ts';
import { noMedia } from '../../../drivers/contract/media.ts';
import type { Answer, PlatformHost, Transport } from '../../../drivers/contract/transport.ts';
import { readBytesOf, SECRET_FILE_MAX } from '../../../drivers/files.ts';
import { platforms } from '../../../drivers/index.ts';
import { printable } from '../../printable.ts';
import { payloadOf, privacyOf } from '../../uplink/payload.ts';
import { resend } from '../../uplink/resend.ts';
import { version } from '../../version.ts';
import { configOrErrors, progress, type Terminal, UsageError } from '../command.ts';
import { openThere } from '../first-start.ts';
import { printer } from './printer.ts';

/** @returns the exit status. */
export async function replayEvents(
  file: string,
  id: string | undefined,
  lane: Lane,
  after: number,
  upTo: number,
  terminal: Terminal,
): Promise<number> {
  const out = printer(terminal);
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return 1;
  const uplink: UplinkConfig | undefined = config.uplinks.find((one) => one.id === id);
  if (uplink === undefined) {
    const known = config.uplinks.map((one) => one.id);
    throw new UsageError(
      say(
        `--uplink: which platform? there are: ${known.join(', ') || 'none'}`,
        `--uplink：请给出平台；可用：${known.join('、') || '无'}`,
      ),
    );
  }
  const reader = openThere(file, config.dataDir);
  const transport = (platforms as readonly Transport[]).find(({ name }) => name === uplink.protocol);
  const channel = await transport?.open(uplink.options, hostAside(uplink, config.campus.id));
  if (channel === undefined)
    throw new UsageError(
      say(
        `--uplink: ${uplink.id} speaks ${uplink.protocol}, and this replays over MQTT only`,
        `--uplink：${uplink.id} 使用 ${uplink.protocol}，此命令仅支持 MQTT`,
      ),
    );
  const privacy = privacyOf(uplink, readBytesOf(join(config.dataDir, 'card.key'), SECRET_FILE_MAX));
  const wants = wantsOf(uplink);
  const bar = progress(terminal, say('sent', '已发送'), undefined);
  const { taken, refused } = await resend(
    reader,
    { lane, after, upTo, wants: ({ type }) => wants(type as EventType), inChain: wants },
    (entry, previous) => {
      bar.step();
      const { type, device } = entry;
      const place = { sequence: entry.sequence, previous, lane, journal: reader.journalId };
      const body = payloadOf(entry, place, privacy);
      if (body === undefined) return Promise.resolve({ is: 'taken' });
      const sent = new Promise<Answer>((resolve) =>
        channel.send({ address: channel.address(entry), type, device, lane, body }, resolve),
      );
      return Promise.race([
        sent,
        channel.ended.then(({ message }): Answer => ({ is: 'lost', reason: message })),
      ]);
    },
  );
  bar.end();
  await channel.close(1000, false);
  reader.close();
  out(say(`${taken} events sent again`, `重新发送 ${taken} 个事件`));
  if (refused === undefined) return 0;
  terminal.stderr.write(`${refused.sequence}: ${printable(refused.reason)}\n`);
  return 1;
}

/** What a channel beside the gateway's own needs: it only sends. */
const hostAside = ({ id }: UplinkConfig, campus: string): PlatformHost => ({
  uplink: id,
  campus,
  version,
  contract: contractVersion,
  timeZone: 'UTC',
  numbers: async () => [],
  startedAt: new Date(systemClock.wall()).toISOString(),
  media: noMedia,
  campusData: () => ({ id: campus, name: '' }),
  inventory: noThings.list,
  onInventory: noThings.onChanged,
  devices: [],
  identity: () => undefined,
  shown: async () => {},
  takenOver() {},
  aside: true,
  receipts: false,
  mayAsk: () => false,
  command: async () => ({ id: null }),
  ask: async () => ({ done: false }),
  untaken: async () => [],
  receipt() {},
  certificate() {},
  notShown() {},
  discarded() {},
  leftOut() {},
  clock: systemClock,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  signal: new AbortController().signal,
});

/** Sends events of one lane to a platform again, over a connection of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { classOf, type EventType } from '../../../config/catalogue/events.ts';
import { wantsOf } from '../../../config/catalogue/filter.ts';
import { say } from '../../../config/language.ts';
import type { UplinkConfig } from '../../../config/sections/uplinks.ts';
import type { Lane } from '../../../drivers/contract/lane.ts';
import { openConnection } from '../../../drivers/platforms/mqtt/connection.ts';
import { readTls } from '../../../drivers/platforms/mqtt/tls.ts';
import { openReader } from '../../journal/reader.ts';
import { EVENT_CONTENT_TYPE, payloadOf, privacyOf } from '../../uplink/payload.ts';
import { resend } from '../../uplink/resend.ts';
import { configOrErrors, progress, type Terminal, UsageError } from '../command.ts';
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
  if (uplink === undefined)
    throw new UsageError(`--uplink: ${config.uplinks.map((one) => one.id).join(', ')}`);
  const reader = openReader(config.dataDir);
  const { url, proxy, username, password, protocol } = uplink;
  const options = {
    url,
    proxy,
    username,
    password,
    tls: uplink.tls === undefined ? undefined : readTls(uplink.tls),
    // Not the gateway's own: a broker would close that one.
    clientId: `${uplink.clientId ?? `${config.campus.id}-${uplink.id}`}-replay`,
    keepalive: 10,
  };
  const { signal } = new AbortController();
  const connect = (version: 5 | 4) => openConnection(options, version, signal);
  const connection = await (protocol === '3.1.1'
    ? connect(4)
    : connect(5).catch((error: { protocolRefused?: string }) => {
        if (error.protocolRefused !== undefined && protocol === 'auto') return connect(4);
        throw error;
      }));
  const prefix = uplink.topicPrefix ?? `campus/v1/${config.campus.id}`;
  const privacy = privacyOf(uplink, readFileSync(join(config.dataDir, 'card.key')));
  const wants = wantsOf(uplink);
  const bar = progress(terminal, say('sent', '已发送'), undefined);
  const { taken, refused } = await resend(
    reader,
    { lane, after, upTo, wants: ({ type }) => wants(type as EventType), inChain: wants },
    (entry, previous) => {
      bar.step();
      const topic = `${prefix}/event/${classOf(entry.type as EventType)}/${entry.device}`;
      const place = { sequence: entry.sequence, previous, lane, journal: reader.journalId };
      const payload = payloadOf(entry, place, privacy);
      if (payload === undefined) return Promise.resolve({ code: 0, reason: 'cannot be read any more' });
      const sent = new Promise<{ code: number; reason: string }>((resolve) =>
        connection.publish({ topic, payload, qos: 1, contentType: EVENT_CONTENT_TYPE }, resolve),
      );
      return Promise.race([sent, connection.ended.then(({ message }) => ({ code: -1, reason: message }))]);
    },
  );
  bar.end();
  await connection.end(1000);
  reader.close();
  out(say(`${taken} events sent again`, `重新发送 ${taken} 个事件`));
  if (refused === undefined) return 0;
  terminal.stderr.write(`${refused.sequence}: ${refused.reason}\n`);
  return 1;
}

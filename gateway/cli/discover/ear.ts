/** Listens to a line on which nobody asked anything: who talks by himself, and whether somebody asks there already. */
import type { Clock, Timer } from '../../../drivers/contract/clock.ts';
import { type LineConnection, openLine } from '../../../drivers/line.ts';
import { rtuRequestDecoder } from '../../../drivers/modbus/codec.ts';
import { osdpDecoder } from '../../../drivers/osdp/codec.ts';
import { receiverDecoder, understand } from '../../../drivers/receiver/codec.ts';
import { cardDecoder, type Format, formats } from '../../../drivers/wiegand/codec.ts';

export type Talk =
  | { readonly is: 'silence' }
  /** Of a card, without the card: it is a person's. */
  | { readonly is: 'card'; readonly format: Format }
  | { readonly is: 'receiver'; readonly account: string | undefined; readonly sevenBits: boolean }
  /** Another master is on the line: who asks beside it spoils both. */
  | { readonly is: 'master'; readonly protocol: 'OSDP' | 'Modbus' }
  | { readonly is: 'noise' };

/** A frame takes 15 ms at 9600 baud; what makes no sense when nothing follows for so long is noise. */
const SILENCE_MS = 400;
/** Rates that readers and receivers that talk by themselves are set to, the commonest first. */
export const talkRates = [9600, 19_200, 115_200, 38_400, 57_600, 4800, 2400, 1200] as const;
/** `ascii` last: other formats are made of its letters too. */
const order: readonly Format[] = [...formats.filter((one) => one !== 'ascii'), 'ascii'];

function createEar() {
  const osdp = osdpDecoder();
  const modbus = rtuRequestDecoder();
  const receiver = receiverDecoder();
  const cards = order.map((format) => ({ format, decoder: cardDecoder(format) }));
  const ofReceiver = (decoded: ReturnType<typeof receiver.push>): Talk | undefined => {
    for (const one of decoded) {
      const said = 'frame' in one ? understand(one.frame.text) : undefined;
      // One whose account alone can be read may be any text.
      if (said === undefined || said.line.is === 'other') continue;
      return {
        is: 'receiver',
        account: 'account' in said.line ? said.line.account : undefined,
        sevenBits: said.sevenBits,
      };
    }
    return undefined;
  };
  return {
    hear(chunk: Buffer): Talk | undefined {
      if (osdp.push(chunk).some((one) => 'frame' in one)) return { is: 'master', protocol: 'OSDP' };
      if (modbus.push(chunk).some((one) => 'frame' in one)) return { is: 'master', protocol: 'Modbus' };
      const receives = ofReceiver(receiver.push(chunk));
      // Each of them hears all, so that none is torn by another's success.
      const shown = cards.filter(({ decoder }) =>
        decoder.push(chunk).some((one) => 'frame' in one && !('key' in one.frame)),
      );
      if (receives !== undefined) return receives;
      return shown[0] && { is: 'card', format: shown[0].format };
    },
    silence: (): Talk => ofReceiver(receiver.silence()) ?? { is: 'noise' },
  };
}

/** One line at one rate. @throws LineError where it cannot be had. */
async function hearAt(
  connection: LineConnection,
  ms: number,
  host: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Talk> {
  const { promise, resolve } = Promise.withResolvers<Talk>();
  const ear = createEar();
  const end = host.clock.after(ms, () => resolve({ is: 'silence' }));
  let quiet: Timer | undefined;
  const stop = () => resolve({ is: 'silence' });
  host.signal.addEventListener('abort', stop, { once: true });
  try {
    const line = await openLine(connection, host, (chunk) => {
      const talk = ear.hear(chunk);
      if (talk !== undefined) resolve(talk);
      end.stop();
      quiet?.stop();
      quiet = host.clock.after(SILENCE_MS, () => resolve(ear.silence()));
    });
    line.ended.catch(stop);
    const talk = await promise;
    await line.close();
    return talk;
  } finally {
    host.signal.removeEventListener('abort', stop);
    end.stop();
    quiet?.stop();
  }
}

/**
 * Listens for `ms`, and where what comes makes no sense as long at each further rate. `connections`: the line at each rate
 * that it may have. @returns what was heard, and at which of them. @throws LineError where the line cannot be had.
 */
export async function listenTo(
  connections: readonly LineConnection[],
  ms: number,
  host: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<{ readonly talk: Talk; readonly connection: LineConnection }> {
  let noise: LineConnection | undefined;
  for (const connection of connections) {
    const talk = await hearAt(connection, ms, host);
    if (talk.is === 'noise') noise ??= connection;
    else if (talk.is !== 'silence' || noise === undefined) return { talk, connection };
    if (host.signal.aborted) break;
  }
  return { talk: { is: 'noise' }, connection: noise ?? (connections[0] as LineConnection) };
}

/**
 * Card readers on a serial line or behind a serial server: RDM6300, ASCII lines, Wiegand through a converter; and
 * readers that are keyboards.
 * They say a number and nothing else: no acknowledgement, no supervision. The line is all there is to watch.
 */
import { z } from 'zod';
import { cardOptions, FORMATS_SAID, wiegandFormatList } from '../bits.ts';
import type { Timer } from '../contract/clock.ts';
import type { Decoder } from '../contract/codec.ts';
import { type Device, defineDriver } from '../contract/driver.ts';
import type { Credential } from '../contract/observation.ts';
import { duration } from '../contract/options.ts';
import { createKeypad } from '../keypad.ts';
import { lineConnection, lineName, openLine, sharedLine } from '../line.ts';
import { cardDecoder, formats, type Shown } from './codec.ts';
import { keyboardDecoder, openKeyboard } from './keyboard.ts';

const options = z.strictObject({
  connection: z
    .union([
      ...lineConnection.options,
      z.strictObject({
        keyboard: z
          .string()
          .regex(/^\/./, 'the path of a device, /dev/input/by-id/...')
          .describe('A reader that types: its input device, /dev/input/by-id/...-event-kbd'),
      }),
    ])
    .describe('`serial` with its settings, `serialServer`, or `keyboard`'),
  format: z
    .enum([...formats, 'wiegand'])
    .default('ascii')
    .describe(
      'How the reader sends a card; a `keyboard` types it. `rdm6300` is ID-12LA too; `wiegand`: bits of any number, as `formats` says',
    ),
  formats: wiegandFormatList()
    .min(1)
    .optional()
    .describe(`Of a reader that sends bits. ${FORMATS_SAID}. Without it, \`format\` says all`),
  ...cardOptions,
  bounce: duration().prefault('2s').describe('The same card again within this time is the same showing'),
});
type Options = z.output<typeof options>;

/** A frame takes 15 ms at 9600 baud; what is still unfinished after this is torn. */
const TORN_AFTER_MS = 500;

export const wiegand = defineDriver({
  name: 'wiegand',
  title: { en: 'Card readers on a serial line', zh: '串口读卡器（RDM6300、ASCII、韦根转串口）' },
  options,
  problems: ({ options: { connection, format, formats: layouts } }) =>
    layouts !== undefined && ('keyboard' in connection || format === 'rdm6300')
      ? [{ path: ['formats'], message: 'are of readers that send bits: not of rdm6300, nor of a keyboard' }]
      : [],
  clashes: sharedLine,
  line: ({ options: { connection } }) =>
    'keyboard' in connection ? `keyboard ${connection.keyboard}` : lineName(connection),

  explain({ options: { connection, format, formats: layouts } }) {
    const name =
      'keyboard' in connection
        ? 'explainKeyboard'
        : format === 'rdm6300'
          ? 'explainRdm6300'
          : format === 'ascii' && layouts === undefined
            ? 'explainAscii'
            : 'explainBits';
    return { module: new URL('./explain.ts', import.meta.url).href, name };
  },

  async open(devices, host) {
    const device = devices[0] as Device<Options>;
    const { connection, format } = device.options;
    const decoder: Decoder<Shown> =
      'keyboard' in connection ? keyboardDecoder(device.options) : cardDecoder(format, device.options);
    const keypad = createKeypad(device.options.bounce);
    const seen = new Map<string, number>();

    const show = (credential: Credential) => {
      const card = `${credential.facility ?? ''}/${credential.number}`;
      const now = host.clock.elapsed();
      for (const [key, at] of seen) if (now - at >= device.options.bounce) seen.delete(key);
      const bounced = seen.has(card);
      seen.set(card, now);
      if (bounced) return;
      host.report({ device: device.id, kind: 'credential', state: 'raised', credential }).catch(() => {
        // Not on disk: the next showing of the card must count.
        seen.delete(card);
      });
    };

    const press = (keys: string) => {
      for (const code of keypad.press(keys, host.clock.elapsed()))
        host.report({ device: device.id, kind: 'credential', state: 'raised', code }).catch(() => {});
    };

    let torn: Timer | undefined;
    const take = (decoded: ReturnType<typeof decoder.push>) => {
      for (const one of decoded) {
        if ('discarded' in one) host.discarded(device.id, one.reason, one.discarded);
        else if ('key' in one.frame) press(one.frame.key);
        else show(one.frame);
      }
    };
    const hear = (chunk: Buffer) => {
      take(decoder.push(chunk));
      torn?.stop();
      torn = host.clock.after(TORN_AFTER_MS, () => take(decoder.silence()));
    };
    const line =
      'keyboard' in connection
        ? await openKeyboard(connection.keyboard, (chunk) => {
            host.tap?.heard(chunk);
            hear(chunk);
          })
        : await openLine(connection, host, hear);
    for (const { id } of devices) {
      if (id === device.id) host.link(id, 'online');
      else host.link(id, 'offline', `its line is taken by ${device.id}: a serial reader has no address`);
    }
    return {
      ended: line.ended,
      async close() {
        torn?.stop();
        await line.close();
      },
    };
  },
});

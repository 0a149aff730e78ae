/** Devices that take lines of text on a serial line or behind a serial server: LED signs. They answer nothing. */
import { z } from 'zod';
import type { Timer } from '../contract/clock.ts';
import { type Command, type Device, defineDriver, type Outcome, wrongArgument } from '../contract/driver.ts';
import { lineConnection, lineName, openLine, sharedLine } from '../line.ts';
import { encodeClear, encodeShow, type LineProfile, lineProfileSchema } from './profile.ts';

const options = z.strictObject({
  connection: lineConnection.describe('`serial` with its settings, or `serialServer`'),
  profile: z
    .string()
    .describe('The device model: a name in config/profiles/, or a file relative to the config'),
});
type LineDevice = Device<z.output<typeof options>, LineProfile>;

const showSchema = z.strictObject({
  text: z.string().min(1).max(2000),
  for: z
    .number()
    .positive()
    .max(86_400 * 31)
    .optional()
    .describe('Seconds; default until it is cleared'),
});

export const serialLine = defineDriver({
  name: 'serial-line',
  title: { en: 'LED signs and other takers of text lines', zh: '串口文字显示屏（LED 屏）' },
  options,
  profile: lineProfileSchema,
  line: ({ options: { connection } }) => lineName(connection),
  clashes: sharedLine,
  commands: () => [{ action: 'show' }, { action: 'clear' }],

  explain: () => ({ module: new URL('./explain.ts', import.meta.url).href, name: 'explain' }),

  async open(devices, host) {
    const device = devices[0] as LineDevice;
    const profile = device.profile as LineProfile;
    let clearing: Timer | undefined;
    const line = await openLine(device.options.connection, host, (chunk) =>
      host.discarded(device.id, 'bytes from a device that says nothing', chunk.length),
    );
    for (const { id } of devices) {
      if (id === device.id) host.link(id, 'online');
      else host.link(id, 'offline', `its line is taken by ${device.id}: a text line has no address`);
    }
    const execute = async ({ device: id, action, arguments: wanted }: Command): Promise<Outcome> => {
      if (id !== device.id) return { done: false, reason: `the line is taken by ${device.id}` };
      if (action !== 'show' && action !== 'clear')
        return { done: false, reason: `a sign does not know ${action}` };
      const parsed = action === 'show' ? showSchema.safeParse(wanted) : undefined;
      if (parsed?.success === false) {
        return { done: false, reason: wrongArgument(parsed.error) };
      }
      clearing?.stop();
      await line.write(parsed === undefined ? encodeClear(profile) : encodeShow(profile, parsed.data.text));
      const seconds = parsed?.data.for;
      if (seconds !== undefined)
        clearing = host.clock.after(
          seconds * 1000,
          () => void line.write(encodeClear(profile)).catch(() => {}),
        );
      return { done: true };
    };
    return {
      ended: line.ended,
      execute,
      async close() {
        clearing?.stop();
        await line.close();
      },
    };
  },
});

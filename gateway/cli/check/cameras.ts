/** What cameras say to what the config says of them: asked over the network, where they can be reached. */
import { say } from '../../../config/language.ts';
import type { Config } from '../../../config/schema.ts';
import { type Clock, within } from '../../../drivers/contract/clock.ts';
import type { Looked } from '../../../drivers/onvif/look.ts';
import { type Own, portOf } from '../../../drivers/onvif/options.ts';
import { printable } from '../../printable.ts';

const PATIENCE_MS = 30_000;
const AT_ONCE = 8;

/** Presets that rules name, by device. */
function presetsOf({ rules }: Pick<Config, 'rules'>): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const { target, arguments: given } of rules.flatMap((rule) => rule.do))
    if (typeof given['preset'] === 'string') found[target] = [...(found[target] ?? []), given['preset']];
  return found;
}

/**
 * Asks each camera of the config. `explain`: says what becomes of each topic too. @returns lines, and whether something
 * is wrong; one that is not reached is none of it.
 */
export async function askCameras(
  config: Pick<Config, 'devices' | 'rules'>,
  clock: Clock,
  { explain }: { readonly explain: boolean },
): Promise<{ readonly lines: readonly string[]; readonly isWrong: boolean }> {
  // Loaded by who asks.
  const { lookAt } = await import('../../../drivers/onvif/look.ts');
  const cameras = config.devices.filter(({ driver }) => driver === 'onvif') as readonly Own[];
  const groups = [...Map.groupBy(cameras, ({ options }) => `${options.host}:${portOf(options)}`)];
  const presets = presetsOf(config);
  const results: (readonly string[])[] = [];
  let isWrong = false;
  const ask = async (i: number, where: string, own: readonly Own[]) => {
    const ids = own.map(({ id }) => id).join(', ');
    try {
      const late = () => new Error(say('no answer in time', '未及时应答'));
      const { is, channels } = await within(lookAt(own, presets, clock), PATIENCE_MS, clock, late);
      isWrong ||= channels.some(({ wrong }) => wrong.length > 0);
      results[i] = [
        `${ids} (${where}): ${is}`,
        ...channels.flatMap((one) => linesOf(one, channels.length, explain)),
      ];
    } catch (error) {
      const { message } = error as Error;
      results[i] = [
        say(`${ids} (${where}): not reached: ${message}`, `${ids}（${where}）：无法连接：${message}`),
      ];
    }
  };
  for (let i = 0; i < groups.length; i += AT_ONCE)
    await Promise.all(groups.slice(i, i + AT_ONCE).map(([where, own], k) => ask(i + k, where, own)));
  return { lines: results.flat().map(printable), isWrong };
}

function linesOf(
  { device, wrong, doubtful, topics }: Looked,
  of: number,
  explain: boolean,
): readonly string[] {
  const name = of > 1 ? `${device}: ` : '';
  return [
    ...wrong.map((one) => `  ✗ ${name}${one}`),
    ...doubtful.map((one) => `  ! ${name}${one}`),
    ...(explain ? topics.map(({ topic, becomes }) => `  ${name}${topic} -> ${becomes}`) : []),
    ...(wrong.length + doubtful.length === 0
      ? [say(`  ✓ ${name}it has what the config names`, `  ✓ ${name}配置中所列均存在`)]
      : []),
  ];
}

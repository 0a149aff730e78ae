/** The ways to the platforms, tried: once each, and only where no gateway runs. */
import { classOf, eventTypes } from '../../../config/catalogue/events.ts';
import { wantsOf } from '../../../config/catalogue/filter.ts';
import type { Config } from '../../../config/schema.ts';
import type { Clock } from '../../../drivers/contract/clock.ts';
import type { Transport } from '../../../drivers/contract/transport.ts';
import { platforms } from '../../../drivers/index.ts';
import { type Finding, findingsAbout } from '../../doctor/finding.ts';
import { noPlatform } from '../../doctor/running.ts';

/** One after the other: they share ports. `step`: after each. */
export async function tryPlatforms(
  { uplinks, timezone, campus }: Pick<Config, 'uplinks' | 'timezone' | 'campus'>,
  clock: Clock,
  step: () => void,
): Promise<readonly Finding[]> {
  const about = findingsAbout('platforms');
  const found: Finding[] = uplinks.length === 0 ? [noPlatform()] : [];
  for (const uplink of uplinks) {
    const { id, protocol, options, receipts, commands } = uplink;
    const transport = (platforms as readonly Transport[]).find(({ name }) => name === protocol);
    const said = await transport?.probe?.(options, {
      ...{ clock, timeZone: timezone, campus: campus.id, uplink: id, receipts },
      classes: [...new Set(eventTypes.filter(wantsOf(uplink)).map(classOf))],
      commands: commands.length > 0,
    });
    for (const { is, en, zh } of said ?? []) found.push(about[is](`${id}: ${en}`, `${id}：${zh}`));
    step();
  }
  return found;
}

/** Entries of one camera or recorder that are right each by itself, and of which one would never tell anything. Pure. */
import type { Clash } from '../contract/driver.ts';
import { plainTopic } from './notifications.ts';
import type { Own } from './options.ts';

/** Whose source is the token of an input or a relay, and never a channel (ONVIF Device IO 21.06, 5.12). */
const OF_NO_CHANNEL = 'Device/Trigger';

export function channelClashes(devices: readonly Own[]): readonly Clash[] {
  return [...devices.flatMap((own, at) => twice(own, devices.slice(0, at))), ...ofNoChannel(devices)];
}

const isWhole = ({ options: { source, profile } }: Own) => source === undefined && profile === undefined;

/** As `channelOf` gives events away: to the first that they fit. */
function twice(own: Own, before: readonly Own[]): Clash[] {
  const { id: device, options } = own;
  if (isWhole(own)) {
    const first = before.find(isWhole);
    if (first === undefined) return [];
    return [
      {
        device,
        path: ['host'],
        en: `${first.id} is the same camera, and neither has a \`source\`, so that all events go to ${first.id}: give each the \`source\` that is its channel in the recorder's list of sources, or keep one entry with all rules`,
        zh: `${first.id} 是同一台设备，两者都没有 \`source\`，所有事件都归 ${first.id}：请按录像机的视频源列表为每个设备写上 \`source\`，或将所有规则合并到一个设备`,
      },
    ];
  }
  const key = options.source === undefined ? 'profile' : 'source';
  const first = before.find(
    (one) => one.options[key] === options[key] && (key === 'source' || one.options.source === undefined),
  );
  if (first === undefined) return [];
  return [
    {
      device,
      path: [key],
      en: `${first.id} has the ${key} ${options[key]} already, and all its events go there: give each its own, or keep one entry with all rules`,
      zh: `${first.id} 已使用 ${key} ${options[key]}，其所有事件都归它：请各设其值，或合并为一个设备`,
    },
  ];
}

function ofNoChannel(devices: readonly Own[]): Clash[] {
  const taker = devices.find(isWhole) ?? devices[0];
  return devices
    .filter((own) => own !== taker && !isWhole(own))
    .flatMap(({ id: device, options: { events, source: own } }) =>
      events.flatMap(({ topic, source }, at): Clash[] =>
        !isOfNoChannel(topic) || (own !== undefined && source === own)
          ? []
          : [
              {
                device,
                path: ['events', at, 'topic'],
                en: `inputs and relays are of no channel, and go to ${taker?.id}: put the rule there`,
                zh: `开关量输入和继电器不属于任何通道，其事件归 ${taker?.id}：请把该规则写在那里`,
              },
            ],
      ),
    );
}

function isOfNoChannel(topic: string): boolean {
  const plain = plainTopic(topic);
  return plain === OF_NO_CHANNEL || plain.startsWith(`${OF_NO_CHANNEL}/`);
}

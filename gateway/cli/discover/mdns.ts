/**
 * Cameras that announce themselves (mDNS, RFC 6762; DNS-SD, RFC 6763): ONVIF, Axis, PSIA, RTSP. Asked on the port of mDNS
 * where it can be shared, else from any port, to which answers come directly (RFC 6762, 6.7).
 */
import multicastDns from 'multicast-dns';
import { addressOf } from '../../../drivers/onvif/discovery.ts';
import { cameraAt, recorderLooker } from './cameras.ts';
import type { Look, Words } from './found.ts';

/** Services, and whether their port is that of the web, at which ONVIF answers too. */
const services: Readonly<Record<string, { readonly web: boolean; readonly words: Words }>> = {
  '_onvif._tcp.local': { web: true, words: { en: 'announces ONVIF', zh: '通告 ONVIF' } },
  '_axis-video._tcp.local': { web: true, words: { en: 'Axis', zh: '安讯士' } },
  '_psia._tcp.local': {
    web: true,
    words: { en: 'announces PSIA, as Hikvision does', zh: '通告 PSIA（如海康）' },
  },
  '_rtsp._tcp.local': {
    web: false,
    words: {
      en: 'announces a stream alone: `check --ask` shows whether it speaks ONVIF',
      zh: '仅通告 RTSP 流：可用 check --ask 确认是否支持 ONVIF',
    },
  },
};
const names = Object.keys(services);
/** What is kept of what came, of each kind; and what one packet may bring. */
const KEPT_MAX = 2000;
const RECORDS_MAX = 200;
const ASK_AGAIN_MS = 1000;

type Records = ReturnType<typeof createRecords>;
type Answer = { readonly name: string; readonly type: string; readonly data?: unknown };

/** What was told: names are alike in any case (RFC 6762, 16). */
function createRecords() {
  const instances = new Map<string, { readonly service: string; readonly label: string }>();
  const places = new Map<string, { readonly target: string; readonly port: number; readonly from: string }>();
  const addresses = new Map<string, string>();
  const keep = <T>(map: Map<string, T>, key: string, value: T) => {
    if (map.has(key.toLowerCase()) || map.size < KEPT_MAX) map.set(key.toLowerCase(), value);
  };
  return {
    instances,
    take(answers: readonly Answer[], from: string) {
      for (const { name, type, data } of answers.slice(0, RECORDS_MAX)) {
        const service = names.find((one) => one === name.toLowerCase());
        if (type === 'PTR' && service !== undefined && typeof data === 'string')
          keep(instances, data, {
            service,
            label: data.slice(0, Math.max(0, data.length - service.length - 1)),
          });
        else if (type === 'A' && typeof data === 'string') keep(addresses, name, data);
        else if (type === 'SRV') {
          const { target, port } = data as { target?: unknown; port?: unknown };
          if (typeof target === 'string' && Number.isInteger(port))
            keep(places, name, { target, port: Number(port), from });
        }
      }
    },
    /** Where an instance is. Without an address of its host, who told of it is taken for it. */
    placeOf(instance: string): { readonly host: string; readonly port: number } | undefined {
      const place = places.get(instance);
      return place && { host: addresses.get(place.target.toLowerCase()) ?? place.from, port: place.port };
    },
  };
}

/** @throws Error where the port or the network cannot be had. */
async function openMdns(
  onAnswers: (answers: readonly Answer[], from: string) => void,
  local: string | undefined,
) {
  const open = async (bind: false | undefined) => {
    const mdns = multicastDns({
      ...(local !== undefined && { interface: local }),
      // The address of an interface would keep out what comes to the group.
      bind: bind ?? '0.0.0.0',
    });
    mdns.on('warning', () => {});
    mdns.on('response', ({ answers, additionals }, { address }) =>
      onAnswers([...(answers ?? []), ...(additionals ?? [])] as Answer[], address),
    );
    const ready = Promise.withResolvers<void>();
    mdns.on('error', (error) => ready.reject(error));
    mdns.once('ready', () => ready.resolve());
    try {
      await ready.promise;
    } catch (error) {
      mdns.destroy();
      throw error;
    }
    return mdns;
  };
  return await open(undefined).catch(() => open(false));
}

export const lookForAnnounced: Look = async (options, { found, note, knows }) => {
  const { forMs, clock, signal, interface: name } = options;
  const recorders = recorderLooker(options, { found, note });
  const records: Records = createRecords();
  const told = new Set<string>();
  const tell = (web: boolean) => {
    for (const [instance, { service, label }] of records.instances) {
      const { web: isWeb, words } = services[service] as (typeof services)[string];
      const place = records.placeOf(instance);
      if (isWeb !== web || place === undefined || told.has(instance)) continue;
      told.add(instance);
      // A stream has a port of its own: where the web of this camera is, nobody said.
      if (!isWeb && knows(place.host)) continue;
      recorders.take(cameraAt(isWeb ? place : { host: place.host }, label, words));
    }
  };
  const local = name === undefined ? undefined : addressOf(name);
  const mdns = await openMdns((answers, from) => {
    records.take(answers, from);
    tell(true);
  }, local);
  const ask = () =>
    mdns.query([
      ...names.map((one) => ({ name: one, type: 'PTR' as const })),
      ...[...records.instances.keys()]
        .filter((one) => records.placeOf(one) === undefined)
        .slice(0, RECORDS_MAX)
        .map((one) => ({ name: one, type: 'SRV' as const })),
    ]);
  ask();
  const again = clock.every(ASK_AGAIN_MS, ask);
  try {
    await clock.wait(forMs, signal);
  } finally {
    again.stop();
    await new Promise<void>((resolve) => mdns.destroy(resolve));
  }
  tell(false);
  await recorders.settled();
};

/**
 * What there is on the campus, as GB/T 28181 lists it (2016, annex A.2.1.9 itemType): the gateway itself, the tree of the
 * config, cameras, alarm inputs. Pure.
 */
import type { CampusData } from '../../contract/campus.ts';
import type { Thing } from '../../contract/inventory.ts';
import type { Ids, IdType } from './ids.ts';
import { type Fields, sizeOf, writeManscdp } from './manscdp.ts';
import { groupOf, isGroup, type Node } from './naming.ts';
import { maySee, type Options } from './options.ts';

/** One line of the catalogue. */
export interface Item {
  readonly id: string;
  readonly parent: string | undefined;
  readonly online: boolean;
  readonly fields: Fields;
}

export const MAKER = 'Campus Gateway';
/** Characters: more of each would not fit into a datagram with the rest of an item, in Chinese. */
const NAME_MAX = 40;
const ADDRESS_MAX = 20;
const WORD_MAX = 16;
/** Digits: of the district, as in the ids. */
const CIVIL_CODE = 6;
/** So many at once, where a datagram is no limit: some read into buffers of 64 KB, and a list that comes slowly is shown slowly. */
const ITEMS_MAX = 10;

export const typeOfThing = ({ kind }: Thing): IdType => (kind === 'camera' ? 'camera' : 'alarmInput');

/** What this platform may know of. */
export const shownOf = (things: readonly Thing[], own: Pick<Options, 'video'>): readonly Thing[] =>
  things.filter(({ kind, id }) => kind !== 'camera' || maySee(own, id));

export interface Catalogue {
  readonly own: Options;
  readonly ids: Pick<Ids, 'known'>;
  readonly things: readonly Thing[];
  /** The school, with what the platform may know of it. */
  readonly campus: CampusData;
}

/** The node that holds a thing: by itself, by its device, by its area. */
function nodeOf(thing: Thing, { organisation }: Options): string | undefined {
  const names = [thing.id, thing.device, thing.area?.id];
  for (const name of names) {
    const node = name === undefined ? undefined : organisation.find(({ holds }) => holds.includes(name));
    if (node !== undefined) return node.id;
  }
  return undefined;
}

/** What all devices have in common; codes as in A.2.1.9: no signature, registered by RFC 3261, not secret. */
function deviceFields(
  { own, campus }: Catalogue,
  of: { readonly name: string; readonly maker: string; readonly model: string; readonly address: string },
): Fields {
  return [
    ['Name', of.name.slice(0, NAME_MAX)],
    ['Manufacturer', of.maker.slice(0, WORD_MAX)],
    ['Model', of.model.slice(0, WORD_MAX)],
    ['Owner', campus.name.slice(0, WORD_MAX)],
    ['CivilCode', (campus.district ?? own.deviceId).slice(0, CIVIL_CODE)],
    ['Address', of.address],
  ];
}
const codes: Fields = [
  ['SafetyWay', 0],
  ['RegisterWay', 1],
  ['Secrecy', 0],
];
/** 2016, A.2.1.9: 1 is a camera that turns. What shape another one has is not known. */
const TURNS: Fields = [['PTZType', 1]];

function thingItem(thing: Thing, catalogue: Catalogue): Item {
  const { own, ids, campus } = catalogue;
  const id = ids.known(typeOfThing(thing), thing.id) ?? '';
  const node = nodeOf(thing, own);
  const { name, maker = '-', model = '-', area } = thing;
  const parent = node ?? own.deviceId;
  return {
    ...{ id, parent, online: thing.online },
    fields: [
      ['DeviceID', id],
      ...deviceFields(catalogue, {
        name,
        maker,
        model,
        address: (thing.place ?? area?.name ?? campus.name).slice(0, ADDRESS_MAX),
      }),
      ['Parental', 0],
      ['ParentID', parent],
      ['BusinessGroupID', groupOf(own.organisation, node)],
      ...codes,
      ['Status', thing.online ? 'ON' : 'OFF'],
      ['Info', thing.ptz === true ? TURNS : undefined],
    ],
  };
}

const nodeItem = ({ id, name, parent }: Node, { own }: Catalogue): Item => ({
  ...{ id, parent: parent ?? own.deviceId, online: true },
  fields: [
    ['DeviceID', id],
    ['Name', name.slice(0, NAME_MAX)],
    ['ParentID', parent ?? own.deviceId],
    ['BusinessGroupID', isGroup(id) ? undefined : groupOf(own.organisation, parent)],
  ],
});

/** The standard has no word for GCJ-02: what would be read as WGS 84 and is not would stand 500 m away. */
function whereabouts({ coordinates }: CampusData): Fields {
  if (coordinates?.datum !== 'WGS 84') return [];
  return [
    ['Longitude', coordinates.longitude],
    ['Latitude', coordinates.latitude],
  ];
}

/** The gateway, the tree, the cameras that the platform may see, the alarm inputs. undefined: not all have ids yet. */
export function itemsOf(catalogue: Catalogue): readonly Item[] | undefined {
  const { own, ids, campus } = catalogue;
  const { name, address = name } = campus;
  const things = shownOf(catalogue.things, own);
  if (things.some((thing) => ids.known(typeOfThing(thing), thing.id) === undefined)) return undefined;
  const root: Item = {
    ...{ id: own.deviceId, parent: undefined, online: true },
    fields: [
      ['DeviceID', own.deviceId],
      ...deviceFields(catalogue, { name, maker: MAKER, model: MAKER, address: address.slice(0, NAME_MAX) }),
      ['Parental', 1],
      ...codes,
      ['Status', 'ON'],
      ...whereabouts(campus),
    ],
  };
  const nodes = own.organisation.map((node) => nodeItem(node, catalogue));
  return [root, ...nodes, ...things.map((thing) => thingItem(thing, catalogue))];
}

/** An item and what stands under it. undefined: there is none of these digits. */
export function under(items: readonly Item[], id: string): readonly Item[] | undefined {
  if (!items.some((item) => item.id === id)) return undefined;
  const found = new Set([id]);
  // Nodes may stand before the one that they are in.
  for (let size = 0; size !== found.size; ) {
    size = found.size;
    for (const item of items) if (item.parent !== undefined && found.has(item.parent)) found.add(item.id);
  }
  return items.filter((item) => found.has(item.id));
}

/** What a list is part of, and how it is written. */
export interface Listing {
  readonly root: 'Response' | 'Notify';
  readonly sn: string | number;
  /** Whose catalogue it is. */
  readonly device: string;
  readonly characters: Options['characters'];
  /** Bytes of a body; an item that is larger by itself goes alone. */
  readonly room: number;
}

/** Bodies of a list: each says how many there are over all of them, and how many are in it. */
export function pagesOf(items: readonly Fields[], listing: Listing): readonly Buffer[] {
  const { root, sn, device, characters, room } = listing;
  const write = (some: readonly Fields[]) =>
    writeManscdp(
      root,
      [
        ['CmdType', 'Catalog'],
        ['SN', sn],
        ['DeviceID', device],
        ['SumNum', items.length],
        [`DeviceList Num="${some.length}"`, some.map((fields) => ['Item', fields] as const)],
      ],
      characters,
    );
  const empty = write([]).length + String(ITEMS_MAX).length;
  const pages: Fields[][] = [[]];
  let size = empty;
  for (const fields of items) {
    const more = sizeOf([['Item', fields]], characters);
    const last = pages.at(-1) as Fields[];
    if (last.length > 0 && (size + more > room || last.length === ITEMS_MAX)) {
      pages.push([fields]);
      size = empty + more;
    } else {
      last.push(fields);
      size += more;
    }
  }
  return pages.map(write);
}

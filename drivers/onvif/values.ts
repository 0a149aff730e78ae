/**
 * Which item of a notification bears a state, and what its word means. Pure. Each name and word stands here with who
 * writes it: an end that is taken for a beginning is a false alarm, and the other way round an alarm without an end.
 */
import type { Notification } from './notifications.ts';

/** Words of `true` and `false`. Without a name: whose they are in general. */
const truth: Readonly<Record<string, boolean>> = {
  // xs:boolean (XML Schema 2, 3.2.2): all four are lexical forms of it. Axis writes 0 and 1, others `True`.
  ...{ true: true, '1': true, false: false, '0': false },
  // tt:RelayLogicalState (onvif.xsd); ONVIF Device IO 5.9, tns1:Device/Trigger/Relay.
  ...{ active: true, inactive: false },
  // tnsaxis:Light/Status and others of Axis (`ON`, `OFF`).
  ...{ on: true, off: false, yes: true, no: false },
  // tdc:DoorPhysicalState (doorcontrol.wsdl): a contact that is open is raised, as everywhere in the gateway.
  ...{ open: true, opened: true, closed: false, close: false },
  // tdc:LockPhysicalState, tdc:DoorTamperState, tdc:DoorFaultState, tdc:DoorAlarmState (doorcontrol.wsdl).
  ...{ unlocked: true, locked: false, tamperdetected: true, notintamper: false },
  ...{ faultdetected: true, notinfault: false, doorforcedopen: true, dooropentoolong: true, normal: false },
};
/** Words of one topic. */
const ofTopic: readonly (readonly [topic: string, words: Readonly<Record<string, boolean>>])[] = [
  // RecordingJobState (ONVIF Recording Control, 5.21): what is not active does not record.
  ['RecordingConfig/JobState', { active: false, partiallyactive: false, idle: true, error: true }],
];
const wordsOf = (topic: string) =>
  ofTopic.find(([beginning]) => topic === beginning || topic.startsWith(`${beginning}/`))?.[1] ?? truth;

/** Names of items that bear a state and nothing else, in small letters: the first of them counts. */
const STATES: readonly string[] = [
  // ONVIF Analytics, Annex A: rules, and what cameras make of them.
  ...['ismotion', 'isinside', 'istamper', 'issounddetected', 'isloitering', 'iscrossed', 'motion'],
  // ONVIF Imaging 6.3, Device IO 5.9, Door Control 6, Core 8.8 and 9 (`Failed`, `Critical`, `IsLow`), Media 2 (`Active`).
  ...['state', 'logicalstate', 'failed', 'critical', 'islow', 'active'],
  // Axis (GetEventInstances of its cameras: xsd:boolean with isPropertyState).
  ...['disruption', 'lost', 'ready', 'sensor_level', 'triggered', 'alert', 'open'],
  ...['recording', 'accessed', 'day', 'is_moving', 'on_preset'],
];
/** These bear one, or a figure: `Status` of Monitoring/Maintenance is a time, `Value` a number (ONVIF Core, Annex H). */
const SOMETIMES: readonly string[] = ['level', 'value', 'status'];
/** Words that are no figures: where an item of any name says them, it bears a state. */
const SPELT = /^(true|false|active|inactive|on|off|open|closed)$/;
/** Which, how many, how large: no states, even where they are 0 or 1. */
const NO_STATE =
  /(id|token|count|counts|index|number|no|num|channel|port|class|classes|types?|likelihood|score|direction|time|name|level|value|status|threshold|tampering)$/;

export interface Found {
  /** As the camera writes them. */
  readonly item: string;
  readonly value: string;
  /** undefined: a word that nobody is known to say, which is not guessed at. */
  readonly state: boolean | undefined;
}

/** undefined: it bears no state, it only happened. */
export function stateIn({ topic, operation, data }: Notification): Found | undefined {
  const known = wordsOf(topic);
  const entries = Object.entries(data).map(([item, value]) => {
    const word = value.toLowerCase();
    // Not of the prototype of a table.
    return {
      item,
      value,
      name: item.toLowerCase(),
      word,
      state: Object.hasOwn(known, word) ? known[word] : undefined,
    };
  });
  const named = (names: readonly string[]) =>
    names.map((name) => entries.find((one) => one.name === name)).filter((one) => one !== undefined);
  const states = named(STATES);
  const said = entries.filter(({ name, state }) => /^is[_-]?[a-z]/.test(name) && state !== undefined);
  const found =
    states.find(({ state }) => state !== undefined) ??
    states[0] ??
    // Of several each says what it sees: it is so where one of them is.
    said.find(({ state }) => state) ??
    said[0] ??
    named(SOMETIMES).find(({ state }) => state !== undefined) ??
    entries.find(({ word }) => SPELT.test(word)) ??
    // What says that it is a property has a state (ONVIF Core 9.5.1), whatever its item is called.
    (operation === undefined
      ? undefined
      : entries.find(({ name, word }) => /^[01]$/.test(word) && !NO_STATE.test(name)));
  return found && { item: found.item, value: found.value, state: found.state };
}

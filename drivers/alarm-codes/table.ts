/**
 * What the codes of alarm panels mean, a row each: SIA DC-03/DC-07 letters and Contact ID (SIA DC-05) numbers.
 * Codes that no row has are kept and told as faults: nothing that a panel says vanishes.
 */
import type { DeviceKind } from '../contract/observation.ts';

/** Whom the number behind a code names (DC-03, annex A; DC-05, annex A). */
export type Numbered = 'zone' | 'user' | 'area' | 'door';

/** `cancel`: a user ended the alarms of a partition; `none`: the panel only says that it is there. */
export type CodeKind = DeviceKind | 'none';

export interface AlarmCode {
  readonly code: string;
  /** SIA: the codes that end it. Contact ID ends its codes by the qualifier, and some by another code too. */
  readonly ends: readonly string[];
  readonly meaning: string;
  readonly kind: CodeKind;
  /** What, more finely. */
  readonly cause?: string | undefined;
  readonly numbered: Numbered;
  /** It happens and is over: no restore follows that could end it. */
  readonly momentary: boolean;
  /** Contact ID, arming: armed whatever the qualifier. */
  readonly arms: boolean;
}

type More = Partial<Pick<AlarmCode, 'cause' | 'numbered' | 'momentary' | 'arms'>>;

const row = (code: string, ends: string, kind: CodeKind, meaning: string, more: More = {}): AlarmCode => ({
  code,
  ends: ends === '' ? [] : ends.split(' '),
  meaning,
  kind,
  numbered: 'zone',
  momentary: false,
  arms: false,
  ...more,
});
const once = { momentary: true } as const;
const user = { numbered: 'user' } as const;
const area = { numbered: 'area' } as const;
const door = { numbered: 'door' } as const;
const because = (cause: string) => ({ cause });
/** A trouble of what raises an alarm of that name, and its bypass: the same letters for each (DC-03, annex A). */
const family = (letter: string, name: string): AlarmCode[] => [
  row(
    `${letter}T`,
    `${letter}J`,
    'fault',
    `${name} trouble`,
    because(`${name.replaceAll(' ', '-')}-trouble`),
  ),
  row(`${letter}B`, `${letter}U`, 'bypass', `${name} bypass`),
];

export const siaCodes: readonly AlarmCode[] = [
  row('PA', 'PR PH', 'panic', 'panic'),
  row('HA', 'HR HH', 'duress', 'hold-up', because('hold-up')),
  row('QA', 'QR QH', 'panic', 'emergency', because('emergency')),
  row('MA', 'MR MH', 'medical', 'medical'),
  row('BA', 'BR BH', 'intrusion', 'burglary'),
  row('UA', 'UR UH', 'intrusion', 'untyped zone'),
  row('FA', 'FR FH', 'fire', 'fire'),
  row('KA', 'KR KH', 'fire', 'heat', because('heat')),
  row('SA', 'SR SH', 'fire', 'sprinkler', because('sprinkler')),
  row('GA', 'GR GH', 'gas', 'gas'),
  row('WA', 'WR WH', 'water', 'water'),
  row('ZA', 'ZR ZH', 'environment', 'freeze', because('freeze')),
  row('TA', 'TR TH', 'tamper', 'tamper'),
  row('ES', 'EJ', 'tamper', 'expansion module tamper', because('expansion')),
  row('XS', 'XJ', 'tamper', 'radio receiver tamper', because('receiver')),
  row('JA', '', 'tamper', 'wrong user codes', { ...because('user-code'), ...user, ...once }),
  row('EA', 'BR BH', 'intrusion', 'exit alarm'),
  row('BM', 'BR BH', 'intrusion', 'burglary, cross point'),
  row('BV', 'BR BH', 'intrusion', 'burglary, verified'),
  row('AT', 'AR', 'power', 'mains lost'),
  row('YP', 'YQ', 'power', 'power supply trouble', because('power-supply')),
  row('YT', 'YR', 'battery', 'battery low'),
  row('YM', 'YR', 'battery', 'battery missing', because('missing')),
  row('XT', 'XR', 'battery', 'transmitter battery low', because('transmitter')),
  row('BT', 'BJ', 'fault', 'burglary zone trouble', because('zone')),
  row('BB', 'BU', 'bypass', 'burglary bypass'),
  ...family('U', 'untyped'),
  ...family('F', 'fire'),
  ...family('P', 'panic'),
  ...family('H', 'hold-up'),
  ...family('T', 'tamper'),
  ...family('Q', 'emergency'),
  ...family('M', 'medical'),
  ...family('G', 'gas'),
  ...family('K', 'heat'),
  ...family('S', 'sprinkler'),
  ...family('W', 'water'),
  ...family('Z', 'freeze'),
  row('LT', 'LR', 'fault', 'phone line trouble', because('phone-line')),
  row('NT', 'NR', 'fault', 'network trouble', because('network')),
  row('YC', 'YK', 'fault', 'communication failed', because('communication')),
  row('YS', 'YK', 'fault', 'communication trouble', because('communication-trouble')),
  row('ET', 'ER', 'fault', 'expansion module trouble', because('expansion')),
  row('XQ', 'XH', 'fault', 'radio jammed', because('radio-jammed')),
  row('XL', 'XC', 'fault', 'radio supervision', because('radio-supervision')),
  row('YA', 'YH', 'fault', 'bell', because('bell')),
  row('IA', 'IR', 'fault', 'equipment', because('equipment')),
  row('CL', 'OP', 'arming', 'armed by a user', user),
  row('CA', 'OA', 'arming', 'armed by itself', area),
  row('CG', 'OG', 'arming', 'area armed', area),
  row('CQ', 'OQ', 'arming', 'armed from afar', user),
  row('CS', 'OS', 'arming', 'armed by key switch', user),
  row('CF', 'OP', 'arming', 'armed by force', { ...user, ...because('forced') }),
  row('CP', 'OP', 'arming', 'armed automatically', user),
  row('NL', 'OP', 'arming', 'armed in part', { ...area, ...because('partial') }),
  row('CR', 'OR', 'arming', 'armed shortly before an alarm; disarmed out of one', {
    ...user,
    ...because('recent-close'),
  }),
  row('CJ', 'OJ', 'arming', 'armed late', { ...user, ...because('late') }),
  row('CK', 'OK', 'arming', 'armed early', { ...user, ...because('early') }),
  row('CI', '', 'fault', 'not armed in time', { ...area, ...because('fail-to-close'), ...once }),
  row('OI', '', 'fault', 'not disarmed in time', { ...area, ...because('fail-to-open'), ...once }),
  row('RP', '', 'none', 'periodic test'),
  row('RX', '', 'test', 'manual test', { ...because('manual'), ...once }),
  row('TX', '', 'test', 'test', { ...because('manual'), ...once }),
  row('TS', 'TE', 'test', 'walk test', { ...because('walk-test'), ...once }),
  row('DF', 'DR', 'forced', 'door forced', door),
  row('DN', 'DH', 'held', 'door left open', door),
  row('DD', '', 'credential', 'access denied', { ...door, ...because('denied') }),
  row('DG', '', 'credential', 'access granted', { ...door, ...because('granted') }),
  row('RR', '', 'fault', 'powered up', { ...because('power-up'), ...once }),
  row('LB', 'LX', 'fault', 'program mode', because('program-mode')),
  row('BC', '', 'cancel', 'burglary cancelled by a user', { ...user, ...because('burglary') }),
  row('OC', '', 'cancel', 'cancelled by a user', user),
];

export const contactIdCodes: readonly AlarmCode[] = [
  row('100', '', 'medical', 'medical'),
  row('101', '', 'medical', 'personal emergency', because('personal-emergency')),
  row('102', '', 'fault', 'failed to report in', because('fail-to-report-in')),
  row('110', '', 'fire', 'fire'),
  row('111', '', 'fire', 'smoke', because('smoke')),
  row('112', '', 'fire', 'combustion', because('combustion')),
  row('113', '', 'fire', 'water flow', because('water-flow')),
  row('114', '', 'fire', 'heat', because('heat')),
  row('115', '', 'fire', 'pull station', because('pull-station')),
  row('116', '', 'fire', 'duct', because('duct')),
  row('117', '', 'fire', 'flame', because('flame')),
  row('118', '', 'fire', 'near alarm', because('near-alarm')),
  row('120', '', 'panic', 'panic'),
  row('121', '', 'duress', 'duress', user),
  row('122', '', 'panic', 'panic, silent', because('silent')),
  row('123', '', 'panic', 'panic, audible', because('audible')),
  row('124', '', 'duress', 'duress, access granted', because('access')),
  row('125', '', 'duress', 'duress, egress granted', because('egress')),
  row('129', '', 'duress', 'hold-up, verified', because('verified')),
  row('130', '', 'intrusion', 'burglary'),
  row('131', '', 'perimeter', 'perimeter'),
  row('132', '', 'intrusion', 'interior'),
  row('133', '', 'intrusion', 'burglary, 24 hours'),
  row('134', '', 'intrusion', 'entry or exit'),
  row('135', '', 'intrusion', 'day or night'),
  row('136', '', 'perimeter', 'outdoor'),
  row('137', '', 'tamper', 'tamper'),
  row('138', '', 'intrusion', 'near alarm'),
  row('139', '', 'intrusion', 'burglary, verified'),
  row('140', '', 'intrusion', 'general alarm'),
  row('141', '', 'fault', 'polling loop open', because('loop-open')),
  row('142', '', 'fault', 'polling loop short', because('loop-short')),
  row('143', '', 'fault', 'expansion module failure', because('expansion')),
  row('144', '', 'tamper', 'sensor tamper', because('sensor')),
  row('145', '', 'tamper', 'expansion module tamper', because('expansion')),
  row('146', '', 'intrusion', 'burglary, silent'),
  row('147', '', 'fault', 'sensor supervision', because('sensor-supervision')),
  row('150', '', 'intrusion', '24 hours, no burglary'),
  row('151', '', 'gas', 'gas'),
  row('152', '', 'environment', 'refrigeration', because('refrigeration')),
  row('153', '', 'environment', 'loss of heat', because('no-heat')),
  row('154', '', 'water', 'water leak'),
  row('155', '', 'intrusion', 'foil break'),
  row('158', '', 'environment', 'high temperature', because('high-temperature')),
  row('159', '', 'environment', 'low temperature', because('low-temperature')),
  row('162', '', 'gas', 'carbon monoxide', because('carbon-monoxide')),
  row('301', '', 'power', 'mains lost'),
  row('302', '', 'battery', 'battery low'),
  row('305', '', 'fault', 'reset', { ...because('reset'), ...once }),
  row('309', '', 'battery', 'battery test failed', because('test')),
  row('311', '', 'battery', 'battery missing', because('missing')),
  row('312', '', 'power', 'power supply overcurrent', because('overcurrent')),
  row('321', '', 'fault', 'bell', because('bell')),
  row('333', '', 'fault', 'expansion module failure', because('expansion')),
  row('338', '', 'battery', 'expansion module battery low', because('expansion')),
  row('341', '', 'tamper', 'expansion module tamper', because('expansion')),
  row('342', '', 'power', 'expansion module mains lost', because('expansion')),
  row('344', '', 'fault', 'radio jammed', because('radio-jammed')),
  row('350', '', 'fault', 'communication', because('communication')),
  row('351', '', 'fault', 'phone line', because('phone-line')),
  row('354', '', 'fault', 'communication failed', because('communication-failed')),
  row('373', '', 'fault', 'fire zone trouble', because('fire-trouble')),
  row('374', '', 'intrusion', 'exit error alarm'),
  row('380', '', 'fault', 'sensor trouble', because('sensor')),
  row('381', '', 'fault', 'sensor supervision, radio', because('sensor-supervision')),
  row('382', '', 'fault', 'sensor supervision, wired', because('sensor-supervision-wired')),
  row('383', '', 'tamper', 'sensor tamper'),
  row('384', '', 'battery', 'sensor battery low', because('sensor')),
  row('391', '', 'fault', 'sensor watch', because('sensor-watch')),
  row('400', '', 'arming', 'armed, disarmed', user),
  row('401', '', 'arming', 'armed, disarmed by a user', user),
  row('402', '', 'arming', 'armed, disarmed as a group', user),
  row('403', '', 'arming', 'armed, disarmed automatically', user),
  row('406', '', 'cancel', 'cancelled by a user', user),
  row('407', '', 'arming', 'armed, disarmed from afar', user),
  row('408', '', 'arming', 'armed quickly', user),
  row('409', '', 'arming', 'armed, disarmed by key switch', user),
  row('421', '', 'credential', 'access denied', { ...user, ...because('denied') }),
  row('422', '', 'credential', 'access granted', { ...user, ...because('granted') }),
  row('423', '', 'forced', 'forced access', door),
  row('426', '', 'held', 'door held open', door),
  row('441', '', 'arming', 'armed at home', { ...user, ...because('partial') }),
  row('442', '', 'arming', 'armed at home by key switch', { ...user, ...because('partial') }),
  row('451', '', 'arming', 'armed, disarmed early', { ...user, ...because('early') }),
  row('452', '', 'arming', 'armed, disarmed late', { ...user, ...because('late') }),
  row('453', '', 'fault', 'not disarmed in time', { ...user, ...because('fail-to-open'), ...once }),
  row('454', '', 'fault', 'not armed in time', { ...user, ...because('fail-to-close'), ...once }),
  row('455', '', 'fault', 'automatic arming failed', { ...user, ...because('auto-arm-failed'), ...once }),
  row('456', '', 'arming', 'armed in part', { ...user, ...because('partial'), arms: true }),
  row('457', '', 'fault', 'exit error', { ...user, ...because('exit-error'), ...once }),
  row('459', '', 'arming', 'armed shortly before an alarm', {
    ...user,
    ...because('recent-close'),
    arms: true,
  }),
  row('461', '', 'tamper', 'wrong code', { ...because('user-code'), ...once }),
  row('570', '', 'bypass', 'zone bypass'),
  row('571', '', 'bypass', 'fire bypass'),
  row('572', '', 'bypass', '24 hour zone bypass'),
  row('573', '', 'bypass', 'burglary bypass'),
  row('574', '', 'bypass', 'group bypass', user),
  row('601', '', 'test', 'manual test', { ...because('manual'), ...once }),
  row('602', '', 'none', 'periodic test'),
  row('603', '', 'none', 'periodic radio test'),
  row('607', '', 'test', 'walk test', { ...user, ...because('walk-test'), ...once }),
  row('608', '', 'test', 'periodic test, with trouble', { ...because('trouble-present'), ...once }),
  row('627', '', 'fault', 'program mode', because('program-mode')),
  row('628', '627', 'fault', 'program mode left', because('program-mode')),
];

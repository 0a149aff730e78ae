/** From what a profile found to what the gateway is told. Pure. */
import { contactIdEvent } from '../alarm-codes/contact-id.ts';
import { observationOf as observationOfPanel, type PanelEvent } from '../alarm-codes/report.ts';
import type { DeviceObservation } from '../contract/observation.ts';
import { type Mapped, timeOf } from './mapping.ts';

type OfPanel = Extract<Mapped, { kind: 'contact-id' }>;

/** undefined: an alarm host that only says that it is there. */
export function observationOf(device: string, mapped: Mapped, now: number): DeviceObservation | undefined {
  const at = timeOf(mapped.at, now);
  const common = {
    device,
    ...(at !== undefined && { at }),
    ...(mapped.text !== undefined && { text: mapped.text }),
    ...(mapped.past && { past: true as const }),
  };
  if (mapped.kind === 'contact-id') {
    const said = observationOfPanel(panelEvent(mapped), { device, account: '', zones: [] });
    return said === undefined ? undefined : ({ ...said, ...common } as DeviceObservation);
  }
  if (mapped.kind === 'visit') {
    const details = { part: mapped.visit.id };
    return { ...common, kind: 'visit', state: 'raised', visit: mapped.visit, details };
  }
  if (mapped.kind !== 'credential') {
    const { kind, state, zone, cause, momentary, level, ends } = mapped;
    return {
      ...common,
      kind,
      state,
      ...(zone !== undefined && { zone: { number: zone } }),
      ...(cause !== undefined && { cause }),
      ...(momentary && { momentary }),
      ...(level && { initial: true }),
      ...(ends !== undefined && { ends: { causes: ends.causes, ...(ends.untold && { untold: true }) } }),
    };
  }
  const { credential, decision, reason, match } = mapped;
  const { facility, ...card } = credential;
  return {
    ...common,
    kind: 'credential',
    state: 'raised',
    credential: { ...card, ...(facility !== undefined && { facility }) },
    ...(decision !== undefined && {
      access: { door: device, decision, ...(reason !== undefined && { reason }), holder: card.number },
    }),
    ...(match !== undefined && { details: { match } }),
  };
}

/** What no table has is of its zone, where the host says that it is an alarm: an alarm is never made a fault. */
function panelEvent({ code, zone, user, partition = '', isAlarm }: OfPanel): PanelEvent {
  const event = contactIdEvent(code.slice(0, 1), code.slice(1), partition, String(zone ?? ''));
  const { number, ...rest } = event;
  const isUsers = event.meaning.numbered === 'user';
  return {
    ...rest,
    ...(isAlarm && event.meaning.unknown && { meaning: { ...event.meaning, kind: 'intrusion' } }),
    ...(!isUsers && zone !== undefined && { number: zone }),
    ...(user !== undefined && { user }),
  };
}

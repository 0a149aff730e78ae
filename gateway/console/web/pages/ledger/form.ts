/** The fields of an entry: to put one in, and to change one that is open. */
import type { LedgerEntry } from '../../../contract/ledger.ts';
import { patch, post } from '../../kit/api.ts';
import { html, typed, useField } from '../../kit/html.ts';
import { me } from '../../kit/me.ts';
import { ActionButton, FieldOf } from '../../kit/parts.ts';
import { t } from '../../kit/words.ts';
import { entries as words } from '../../words/ledger.ts';

/** The day of a deadline in the campus's zone, as a field of a date has it. */
const dayIn = (deadline: string | null): string =>
  deadline === null
    ? ''
    : new Intl.DateTimeFormat('sv-SE', {
        timeZone: me.value?.campus.timezone ?? 'UTC',
        dateStyle: 'short',
      }).format(new Date(deadline));
const orNull = (value: string) => (value.trim() === '' ? null : value.trim());

interface FormProps {
  /** undefined: a new one. */
  readonly of?: LedgerEntry;
  readonly done: (entry: LedgerEntry) => unknown;
}

export function EntryForm({ of, done }: FormProps) {
  const kind = useField(of?.kind ?? 'hazard');
  const what = useField(of?.what ?? '');
  const device = useField(of?.device ?? '');
  const place = useField(of?.place ?? '');
  const owner = useField(of?.owner ?? '');
  const measure = useField(of?.measure ?? '');
  const before = dayIn(of?.deadline ?? null);
  const deadline = useField(before);
  const names = Object.entries(me.value?.names ?? {});
  const send = async () => {
    const given = {
      kind: kind.value,
      // What the gateway put in it says itself.
      ...((of === undefined || of.what !== null || what.value.trim() !== '') && { what: what.value.trim() }),
      ...{ device: orNull(device.value), place: orNull(place.value) },
      ...{ owner: orNull(owner.value), measure: orNull(measure.value) },
      ...(deadline.value !== before && { deadline: orNull(deadline.value) }),
    };
    const entry =
      of === undefined
        ? await post<LedgerEntry>('/api/ledger/entries', given)
        : await patch<LedgerEntry>(`/api/ledger/entries/${of.number}`, given);
    await done(entry);
  };
  return html`<form onSubmit=${(event: Event) => event.preventDefault()}>
    <${FieldOf} label=${t(words.kind)}><select value=${kind.value} onChange=${typed(kind)}>
      <option value="hazard">${t(words.hazard)}</option><option value="fault">${t(words.fault)}</option>
    </select><//>
    <${FieldOf} label=${t(words.what)}><input maxlength="500" name="what" value=${what.value} onInput=${typed(what)} /><//>
    <${FieldOf} label=${t(words.device)}><select value=${device.value} onChange=${typed(device)}>
      <option value="">${t(words.noDevice)}</option>
      ${of !== undefined && of.device !== null && me.value?.names[of.device] === undefined && html`<option value=${of.device}>${of.device}</option>`}
      ${names.map(([id, name]) => html`<option key=${id} value=${id}>${name}</option>`)}
    </select><//>
    <${FieldOf} label=${t(words.place)}><input maxlength="200" name="place" value=${place.value} onInput=${typed(place)} /><//>
    <${FieldOf} label=${t(words.owner)}><input maxlength="100" name="owner" value=${owner.value} onInput=${typed(owner)} /><//>
    <${FieldOf} label=${t(words.measure)}><input maxlength="500" name="measure" value=${measure.value} onInput=${typed(measure)} /><//>
    <${FieldOf} label=${t(words.deadline)} hint=${t(words.deadlineHint)}><input type="date" name="deadline" value=${deadline.value} onInput=${typed(deadline)} /><//>
    <${ActionButton} tone="main" act=${send}>${t(of === undefined ? words.put : words.change)}<//>
  </form>`;
}

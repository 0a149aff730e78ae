/** The inventory: what devices are, as they say and as people wrote it down; and when certificates end. */
import type {
  LedgerCertificates,
  LedgerDevice,
  LedgerDeviceLife,
  LedgerDevices,
} from '../../contract/ledger.ts';
import { patch } from '../kit/api.ts';
import { dayOf } from '../kit/format.ts';
import { html, typed, useField } from '../kit/html.ts';
import { may } from '../kit/me.ts';
import { ActionButton, Badge, Empty, FieldOf, Table, waitingFor } from '../kit/parts.ts';
import { useResource } from '../kit/resource.ts';
import { label, t } from '../kit/words.ts';
import { common } from '../words/common.ts';
import { ledger, inventory as words } from '../words/ledger.ts';
import { FileOf, History, LedgerTabs } from './ledger/tabs.ts';

/** `2026-11-28`, as people read a day. */
const dateOf = (day: string | undefined) => (day === undefined ? '–' : dayOf(`${day}T12:00:00Z`));
const todayIs = () => new Date().toISOString().slice(0, 10);
const nameOf = ({ id, name = id }: LedgerDevice) => name;

function known({ said, notes }: LedgerDevice, name: 'maker' | 'model' | 'serial' | 'firmware') {
  return said[name] ?? notes[name];
}

export function LedgerDevicesPage() {
  const found = useResource<LedgerDevices>('/api/ledger/devices', { on: ['ledger.'] });
  const all = found.data.value?.devices;
  const heads = [
    words.device,
    words.about,
    words.serial,
    words.firmware,
    words.installed,
    words.warranty,
    words.open,
  ];
  const rows = (all ?? []).map((one) => {
    const until = one.notes.warrantyUntil;
    return {
      key: one.id,
      cells: [
        html`<a href="/ledger/devices/${encodeURIComponent(one.id)}">${nameOf(one)}</a>
          <small class="block">${one.driver === null ? t(words.gone) : label('driver', one.driver)}${one.notes.place !== undefined && ` · ${one.notes.place}`}</small>`,
        [known(one, 'maker'), known(one, 'model')].filter(Boolean).join(' ') || '–',
        known(one, 'serial') ?? '–',
        known(one, 'firmware') ?? '–',
        dateOf(one.notes.installedOn),
        html`${dateOf(until)} ${until !== undefined && until < todayIs() && html`<${Badge} tone="warn">${t(words.warrantyOver)}<//>`}`,
        one.open === 0 ? html`<span class="quiet">0</span>` : html`<a href="/ledger">${one.open}</a>`,
      ],
    };
  });
  return html`<h1>${t(ledger.title)}</h1><${LedgerTabs} />
    <p class="buttons"><${FileOf} what="devices" /></p>
    ${waitingFor(found)}
    ${all?.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    ${rows.length > 0 && html`<${Table} caption=${t(ledger.devices)} heads=${heads.map((one) => t(one))} rows=${rows} />`}
    <${Certificates} />`;
}

function Certificates() {
  const found = useResource<LedgerCertificates>('/api/ledger/certificates');
  const all = found.data.value?.certificates;
  const rows = (all ?? []).map(({ where, subject, ends, days }, i) => ({
    key: `${where} ${i}`,
    cells: [
      html`<code>${where}</code> <small class="block">${subject}</small>`,
      dayOf(ends),
      html`<${Badge} tone=${days < 0 ? 'bad' : days <= 30 ? 'warn' : 'good'}>${days < 0 ? t(words.ended) : t(words.daysLeft, { n: days })}<//>`,
    ],
  }));
  return html`<section><h2>${t(words.certificates)}</h2>
    ${waitingFor(found)}
    ${all?.length === 0 && html`<${Empty}>${t(words.noCertificates)}<//>`}
    ${rows.length > 0 && html`<${Table} caption=${t(words.certificates)} heads=${[t(words.where), t(words.ends), '']} rows=${rows} />`}
  </section>`;
}

export function LedgerDevicePage({ device = '' }: Readonly<Record<string, string>>) {
  const path = `/api/ledger/devices/${encodeURIComponent(device)}`;
  const found = useResource<LedgerDeviceLife>(path, { on: ['ledger.'] });
  const of = found.data.value;
  return html`<p><a href="/ledger/devices">← ${t(words.back)}</a></p>
    <h1>${of === undefined ? device : nameOf(of)}</h1>
    ${waitingFor(found)}
    ${of !== undefined && html`<${DeviceForm} key=${of.history.length} of=${of} path=${path} again=${found.again} /><${History} of=${of.history} />`}`;
}

type Name = keyof LedgerDevice['notes'];
const fields: readonly { readonly name: Name; readonly date?: true; readonly most: number }[] = [
  { name: 'place', most: 200 },
  { name: 'installedOn', date: true, most: 10 },
  { name: 'warrantyUntil', date: true, most: 10 },
  { name: 'maker', most: 100 },
  { name: 'model', most: 100 },
  { name: 'serial', most: 100 },
  { name: 'firmware', most: 100 },
  { name: 'note', most: 1000 },
];
const wordOf = (name: Name) =>
  ({ installedOn: words.installed, warrantyUntil: words.warranty })[name as string] ??
  words[name as Exclude<Name, 'installedOn' | 'warrantyUntil'>];

interface FormProps {
  readonly of: LedgerDevice;
  readonly path: string;
  readonly again: () => Promise<void>;
}
function DeviceForm({ of, path, again }: FormProps) {
  const values = fields.map(({ name, ...field }) => ({
    name,
    ...field,
    value: useField(of.notes[name] ?? ''),
  }));
  const save = async () => {
    await patch(path, Object.fromEntries(values.map(({ name, value }) => [name, value.value.trim()])));
    await again();
  };
  const isReader = !may('ledger');
  return html`<form class="card" onSubmit=${(event: Event) => event.preventDefault()}>
    ${values.map(({ name, date, most, value }) => {
      const said = (of.said as Readonly<Record<string, string | undefined>>)[name];
      const hint = said === undefined ? undefined : t(words.saidHint, { what: said });
      return html`<${FieldOf} key=${name} label=${t(wordOf(name))} hint=${hint}>
        <input type=${date === true ? 'date' : 'text'} name=${name} maxlength=${most} value=${value.value} readonly=${isReader} onInput=${typed(value)} /><//>`;
    })}
    ${!isReader && html`<${ActionButton} tone="main" act=${save}>${t(common.save)}<//>`}
  </form>`;
}

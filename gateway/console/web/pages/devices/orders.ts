/** What a device can be told by who looks: each action with its arguments as a form. */
import type { Argument, DeviceDetail } from '../../../contract/devices.ts';
import { command } from '../../kit/api.ts';
import { html, type Signal, useSignal } from '../../kit/html.ts';
import { ActionButton, Empty, FieldOf } from '../../kit/parts.ts';
import { label, t } from '../../kit/words.ts';
import { orders as words } from '../../words/devices.ts';

type Command = DeviceDetail['commands'][number];
type Values = Readonly<Record<string, string | boolean>>;

/** Something moves, stays open, or goes dark: asked twice. */
const SURE: readonly Command['action'][] = [
  'reboot',
  'hold',
  'raise',
  'lower',
  'unlock',
  'activate',
  'delete-preset',
];

const first = ({ kind, choices, usual }: Argument): string | boolean =>
  kind === 'flag'
    ? usual === true
    : kind === 'choice'
      ? String(usual ?? choices?.[0] ?? '')
      : String(usual ?? '');

/** As the catalogue reads them: what is left empty is left out. */
function argumentsOf(all: readonly Argument[], values: Values): Record<string, unknown> {
  const read = all.map(({ name, kind }): readonly [string, unknown] => {
    const value = values[name];
    return [name, kind === 'number' && value !== '' ? Number(value) : value];
  });
  return Object.fromEntries(read.filter(([, value]) => value !== '' && value !== undefined));
}

export const OrdersOf = ({ of, again }: { readonly of: DeviceDetail; readonly again: () => Promise<void> }) =>
  html`<section>
    <h2>${t(words.title)}</h2>
    ${of.commands.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    <div class="cards">${of.commands.map(
      (one) => html`<${Order} key=${one.action} device=${of.id} of=${one} again=${again} />`,
    )}</div>
  </section>`;

interface OrderProps {
  readonly device: string;
  readonly of: Command;
  readonly again: () => Promise<void>;
}
function Order({ device, of, again }: OrderProps) {
  const values = useSignal<Values>(Object.fromEntries(of.arguments.map((one) => [one.name, first(one)])));
  const done = useSignal(false);
  const missing = of.arguments.some(({ name, required }) => required && values.value[name] === '');
  const act = async () => {
    done.value = false;
    await command(device, of.action, argumentsOf(of.arguments, values.value));
    done.value = true;
    await again();
  };
  const name = label('action', of.action);
  return html`<fieldset class="card">
    <legend>${name}</legend>
    ${of.arguments.map((one) => html`<${Input} key=${one.name} of=${one} values=${values} />`)}
    <p class="buttons">
      <${ActionButton} act=${act} disabled=${missing} sure=${SURE.includes(of.action) ? words.sure : undefined}>
        ${t(words.go)}<span class="hidden"> ${name}</span>
      <//>
      ${done.value && html`<span role="status">${t(words.done)}</span>`}
    </p>
  </fieldset>`;
}

const choiceWords = (name: string, choice: string) => (name === 'kind' ? label('testKind', choice) : choice);

function Input({ of, values }: { readonly of: Argument; readonly values: Signal<Values> }) {
  const { name, kind, choices = [], required, least, most } = of;
  const value = values.value[name];
  const set = (next: string | boolean) => {
    values.value = { ...values.value, [name]: next };
  };
  const typed = (event: Event) => set((event.target as HTMLInputElement).value);
  const named = label('argument', name);
  if (kind === 'flag')
    return html`<label class="field-flag"><input type="checkbox" checked=${value} onChange=${() => set(value !== true)} /> ${named}</label>`;
  const hint = required || kind === 'choice' ? undefined : t(words.optional);
  return html`<${FieldOf} label=${named} hint=${hint}>${
    kind === 'choice'
      ? html`<select value=${value} onChange=${typed}>
          ${!required && html`<option value=""></option>`}
          ${choices.map((one) => html`<option key=${one} value=${one}>${choiceWords(name, one)}</option>`)}
        </select>`
      : html`<input type=${kind === 'number' ? 'number' : 'text'} step="any" min=${least} max=${kind === 'number' ? most : undefined}
          maxlength=${kind === 'text' ? most : undefined} value=${value} onInput=${typed} />`
  }<//>`;
}

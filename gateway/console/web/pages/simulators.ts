/** The other ends of the wires: start, drive, play scenarios. For trials and for training. */
import type {
  SimulatedDevice,
  SimulatorAction,
  SimulatorOutcome,
  SimulatorsView,
} from '../../contract/simulators.ts';
import { ApiError, post } from '../kit/api.ts';
import { timeOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { ActionButton, Badge, Empty, FieldOf, type Tone, waitingFor } from '../kit/parts.ts';
import { type Resource, useResource } from '../kit/resource.ts';
import { label, language, t, type Word, type Words } from '../kit/words.ts';
import { navigation } from '../words/common.ts';
import { verbsInChinese, simulators as words, wordsOfActions } from '../words/simulators.ts';

const ASK_MS = 2000;
const RATES = { least: 0.1, most: 100, first: '2' } as const;

const tones: Readonly<Record<SimulatedDevice['state'], Tone>> = {
  stopped: 'quiet',
  running: 'good',
  failed: 'bad',
};
const nameOfDevice = ({ id, name }: SimulatedDevice) => name ?? id;

type Perform = (action: SimulatorAction) => Promise<void>;
const performBy =
  ({ again }: Pick<Resource<unknown>, 'again'>): Perform =>
  async (action) => {
    const { done, reason } = await post<SimulatorOutcome>('/api/simulators', action);
    await again();
    if (!done) throw new ApiError(200, 'refused', reason);
  };

const wordOf = (usage: string, help: string): string =>
  (language.value === 'zh' ? verbsInChinese[usage.split(' ')[0] ?? ''] : undefined) ?? help;
/** `[FACILITY]`: what may be left out. */
function needOf(need: string): string {
  const name = need.replace(/[[\]]/g, '');
  const known: Word | undefined = (wordsOfActions as Words)[name];
  const word = known === undefined ? name : t(known);
  return need.startsWith('[') ? t(words.optional, { word }) : word;
}

interface DrivenProps {
  readonly simulator: SimulatedDevice['simulators'][number];
  readonly perform: Perform;
  readonly isOneOfMany: boolean;
}
/** What one can do: an action is chosen, what it needs is typed. */
function Driven({ simulator: { id, actions }, perform, isOneOfMany }: DrivenProps) {
  const chosen = useSignal(actions[0]?.usage ?? '');
  const rest = useField();
  const [verb = '', ...needs] = chosen.value.split(' ');
  return html`<form class="line driven" onSubmit=${(event: Event) => event.preventDefault()}>
    ${isOneOfMany && html`<strong>${id}</strong>`}
    <${FieldOf} label=${t(words.action)}>
      <select value=${chosen} onChange=${(event: Event) => {
        chosen.value = (event.target as HTMLSelectElement).value;
        rest.value = '';
      }}>${actions.map(({ usage, help }) => html`<option key=${usage} value=${usage}>${wordOf(usage, help)}</option>`)}</select>
    <//>
    ${
      needs.length > 0 &&
      html`<${FieldOf} label=${needs.map(needOf).join(' ')}>
        <input value=${rest} onInput=${typed(rest)} maxlength="200" autocomplete="off" />
      <//>`
    }
    <${ActionButton} act=${() => perform({ do: 'act', simulator: id, line: `${verb} ${rest.value}`.trim() })}>
      ${t(words.do)}<span class="hidden"> ${id}</span>
    <//>
  </form>`;
}

interface DeviceProps {
  readonly device: SimulatedDevice;
  readonly others: readonly SimulatedDevice[];
  readonly perform: Perform;
}
function DeviceCard({ device, others, perform }: DeviceProps) {
  const { id, driver, state, reason, simulators } = device;
  const act = state === 'running' ? 'stop' : 'start';
  return html`<section class="card" aria-label=${nameOfDevice(device)}>
    <div class="line">
      <h2>${nameOfDevice(device)}</h2>
      <${Badge} tone=${tones[state]}>${t(words[state])}<//>
      <small>${label('driver', driver)}</small>
    </div>
    ${reason !== undefined && html`<p class="wrong">${label('reason', reason)}</p>`}
    ${others.length > 0 && html`<p class="quiet">${t(words.sameWire, { others: others.map(nameOfDevice).join(', ') })}</p>`}
    <p class="buttons"><${ActionButton} act=${() => perform({ do: act, devices: [id] })}>
      ${t(words[act])}<span class="hidden"> ${nameOfDevice(device)}</span>
    <//></p>
    ${simulators.map(
      (one) =>
        html`<${Driven} key=${one.id} simulator=${one} perform=${perform} isOneOfMany=${simulators.length > 1} />`,
    )}
  </section>`;
}

function Scenarios({ view, perform }: { readonly view: SimulatorsView; readonly perform: Perform }) {
  const rate = useField(RATES.first);
  return html`<h2>${t(words.scenarios)}</h2>
    <div class="cards">
      ${view.scenarios.map(
        ({ id, title, missing, playing }) => html`<section class="card" key=${id} aria-label=${title}>
          <div class="line"><h3>${title}</h3>${playing && html`<${Badge} tone="good">${t(words.playing)}<//>`}</div>
          ${
            missing.length > 0
              ? html`<p class="quiet">${t(words.missing, { devices: missing.join(', ') })}</p>`
              : html`<${ActionButton} act=${() =>
                  perform(playing ? { do: 'stop-playing' } : { do: 'play', scenario: id })}>
                  ${t(playing ? words.stop : words.play)}<span class="hidden"> ${title}</span>
                <//>`
          }
        </section>`,
      )}
      <section class="card" aria-label=${t(words.day)}>
        <div class="line"><h3>${t(words.day)}</h3>${
          view.rate !== null && html`<${Badge} tone="good">${t(words.dayIs, { n: view.rate })}<//>`
        }</div>
        ${
          view.rate === null
            ? html`<${FieldOf} label=${t(words.rate)}>
                <input type="number" min=${RATES.least} max=${RATES.most} step="any" value=${rate} onInput=${typed(rate)} />
              <//>
              <${ActionButton} act=${() => perform({ do: 'live', rate: Number(rate.value) })}>${t(words.live)}<//>`
            : html`<${ActionButton} act=${() => perform({ do: 'live', rate: null })}>${t(words.stop)}<span class="hidden"> ${t(words.day)}</span><//>`
        }
      </section>
    </div>`;
}

export function SimulatorsPage() {
  const resource = useResource<SimulatorsView>('/api/simulators', { every: ASK_MS });
  const view = resource.data.value;
  if (view === undefined) return html`<h1>${t(navigation.simulators)}</h1>${waitingFor(resource)}`;
  const perform = performBy(resource);
  const { devices } = view;
  const ids = (is: (state: SimulatedDevice['state']) => boolean) =>
    devices.filter(({ state }) => is(state)).map(({ id }) => id);
  const idle = ids((state) => state !== 'running');
  const running = ids((state) => state === 'running');
  return html`<h1>${t(navigation.simulators)}</h1>
    <p class="warn-text">${t(words.warning)}</p>
    ${devices.length === 0 && html`<${Empty}>${t(words.none)}<//>`}
    <p class="buttons">
      ${idle.length > 0 && html`<${ActionButton} tone="main" act=${() => perform({ do: 'start', devices: idle })}>${t(words.startAll)}<//>`}
      ${running.length > 0 && html`<${ActionButton} act=${() => perform({ do: 'stop', devices: running })}>${t(words.stopAll)}<//>`}
    </p>
    <div class="cards">${devices.map(
      (device) =>
        html`<${DeviceCard} key=${device.id} device=${device} perform=${perform}
          others=${devices.filter((one) => one.wire === device.wire && one.id !== device.id)} />`,
    )}</div>
    <${Scenarios} view=${view} perform=${perform} />
    <h2>${t(words.told)}</h2>
    <ul class="plain-list" aria-live="polite">${view.told.map(
      ({ at, of, did, text }, i) =>
        html`<li key=${`${at} ${view.told.length - i}`}><small>${timeOf(at)}</small> ${of}: ${did === undefined ? text : t(words[did])}</li>`,
    )}</ul>`;
}

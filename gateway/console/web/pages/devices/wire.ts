/** The wire of a device: its last minute, and what goes over it while somebody looks. */
import type { Frame, WireLook } from '../../../contract/devices.ts';
import { type ApiError, get } from '../../kit/api.ts';
import { timeOf } from '../../kit/format.ts';
import { html, useEffect, useSignal } from '../../kit/html.ts';
import { Empty, wordsOf } from '../../kit/parts.ts';
import { label, t } from '../../kit/words.ts';
import { wire as words } from '../../words/devices.ts';

const ASK_MS = 2000;
/** Kept on the page. */
const KEPT_MAX = 1000;

type Told = Omit<WireLook, 'frames' | 'next'>;

/** Asks for what comes after what is there, for as long as it is on. */
function useWire(device: string, isOn: boolean, routine: boolean) {
  const frames = useSignal<readonly Frame[]>([]);
  const told = useSignal<Told | undefined>(undefined);
  const error = useSignal<ApiError | undefined>(undefined);
  useEffect(() => {
    if (!isOn) return undefined;
    let after = -1;
    let isOver = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const path = `/api/devices/${encodeURIComponent(device)}/wire?after=${after}&routine=${routine}`;
        const { frames: fresh, next, ...more } = await get<WireLook>(path);
        if (isOver) return;
        // The first answer has all of the minute.
        frames.value = [...(after === -1 ? [] : frames.value), ...fresh].slice(-KEPT_MAX);
        told.value = after === -1 ? more : { ...more, left: told.value?.left ?? 0 };
        after = next;
        error.value = undefined;
      } catch (caught) {
        if (!isOver) error.value = caught as ApiError;
      }
      if (!isOver) timer = setTimeout(ask, ASK_MS);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [device, isOn, routine]);
  return { frames, told, error };
}

/** What can be printed of it; the rest as dots. */
const asText = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .map((two) => Number.parseInt(two, 16))
    .map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '·'))
    .join('');
const asHex = (hex: string): string => (hex.match(/../g) ?? []).join(' ');
/** To the millisecond: what answers what is told by that. */
const preciselyOf = (at: string) => `${timeOf(at)}.${at.slice(20, 23)}`;

const hiddenWords = { person: words.person, secret: words.secret, nothing: words.person } as const;

const Row = ({ of, isText }: { readonly of: Frame; readonly isText: boolean }) => {
  const { at, said, peer, what, detail, length, hex, holds } = of;
  return html`<tr>
    <td><time datetime=${at}>${preciselyOf(at)}</time></td>
    <td>${said ? '→' : '←'} ${t(said ? words.said : words.heard)}${peer !== '' && html`<small class="block">${peer}</small>`}</td>
    <td><strong>${label('reason', what)}</strong> ${detail !== '' && html`<small class="block">${detail}</small>`}</td>
    <td>${
      hex === null
        ? html`<em>${t(hiddenWords[holds])}</em>`
        : html`<code>${isText ? asText(hex) : asHex(hex)}${hex.length / 2 < length ? ' …' : ''}</code>`
    } <small>${t(words.length, { n: length })}</small></td>
  </tr>`;
};

export function WireOf({ device }: { readonly device: string }) {
  const isShown = useSignal(false);
  return html`<section>
    <h2>${t(words.title)}</h2>
    ${
      isShown.value
        ? html`<${Shown} device=${device} />`
        : html`<button type="button" onClick=${() => {
            isShown.value = true;
          }}>${t(words.show)}</button>`
    }
  </section>`;
}

function Shown({ device }: { readonly device: string }) {
  const isOn = useSignal(true);
  const routine = useSignal(false);
  const isText = useSignal(false);
  const { frames, told, error } = useWire(device, isOn.value, routine.value);
  const more = told.value;
  const rows = [...frames.value].reverse();
  return html`<p class="buttons">
      <button type="button" onClick=${() => {
        isOn.value = !isOn.value;
      }}>${t(isOn.value ? words.pause : words.goOn)}</button>
      <button type="button" onClick=${() => {
        isText.value = !isText.value;
      }}>${t(isText.value ? words.asHex : words.asText)}</button>
      <label><input type="checkbox" checked=${routine.value} onChange=${() => {
        routine.value = !routine.value;
      }} /> ${t(words.routine)}</label>
    </p>
    ${error.value !== undefined && html`<p class="problem" role="alert">${wordsOf(error.value)}</p>`}
    ${more?.isOpen === false && html`<p class="problem">${t(words.closed)}</p>`}
    ${more?.isExplained === false && html`<p class="quiet">${t(words.unexplained)}</p>`}
    ${more?.isComplete === false && html`<p class="quiet">${t(words.incomplete)}</p>`}
    ${more !== undefined && more.left > 0 && html`<p class="quiet">${t(words.left, { n: more.left })}</p>`}
    ${
      rows.length === 0
        ? more !== undefined &&
          html`<${Empty}>${more.routine > 0 ? t(words.onlyRoutine, { n: more.routine }) : t(words.none)}<//>`
        : html`<div class="wire" role="region" tabindex="0" aria-label="${t(words.title)}, ${t(words.newest)}">
            <table><thead><tr>${[words.time, words.way, words.what, words.bytes].map((head) => html`<th scope="col">${t(head)}</th>`)}</tr></thead>
            <tbody>${rows.map((one, i) => html`<${Row} key=${`${one.number} ${rows.length - i}`} of=${one} isText=${isText.value} />`)}</tbody></table>
          </div>`
    }`;
}

/** What pages are made of. */
import { useEffect, useRef } from 'preact/hooks';
import { common } from '../words/common.ts';
import { ApiError } from './api.ts';
import { type Children, html, useSignal, type VNode } from './html.ts';
import type { Resource } from './resource.ts';
import { label, t, type Word } from './words.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'alarm' | 'quiet';

/** What went wrong, in words. */
export const wordsOf = (error: unknown): string => {
  if (!(error instanceof ApiError)) return String((error as Error)?.message ?? error);
  return [label('error', error.code), error.detail && label('reason', error.detail)]
    .filter(Boolean)
    .join(': ');
};

/** A state in a word and a colour; the colour never says it alone. */
export const Badge = ({ tone = 'quiet', children }: { readonly tone?: Tone } & Children) =>
  html`<span class="badge ${tone}">${children}</span>`;

export const Empty = ({ children }: Children) => html`<p class="empty">${children ?? t(common.none)}</p>`;

/** What is shown instead of an answer that is not there: that it comes, or why not. undefined: it is there. */
export function waitingFor({ data, error, again }: Resource<unknown>): VNode | undefined {
  if (error.value !== undefined && data.value === undefined)
    return html`<div class="problem" role="alert">
      ${t(common.failed, { why: wordsOf(error.value) })} <button type="button" onClick=${again}>${t(common.again)}</button>
    </div>`;
  return data.value === undefined
    ? html`<p class="empty" role="status">${t(common.loading)}…</p>`
    : undefined;
}

interface DialogProps extends Children {
  readonly title: string;
  readonly onClose: () => void;
}
/** A window above the page: Escape closes it, and the focus goes back to where it was. */
export function Dialog({ title, onClose, children }: DialogProps) {
  const own = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    const dialog = own.current;
    dialog?.showModal();
    return () => {
      // While it is open nothing else takes the focus.
      dialog?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const cancelled = (event: Event) => {
    event.preventDefault();
    onClose();
  };
  return html`<dialog ref=${own} aria-label=${title} onCancel=${cancelled}>
    <header><h2>${title}</h2><button type="button" class="plain" aria-label=${t(common.close)} onClick=${onClose}>✕</button></header>
    ${children}
  </dialog>`;
}

interface ActionProps extends Children {
  /** Throws what went wrong, which is shown beside the button. */
  readonly act: () => Promise<unknown>;
  readonly tone?: 'main' | 'danger' | undefined;
  /** Asked before it is done. */
  readonly sure?: Word | undefined;
  readonly disabled?: boolean;
}
/** A button that asks for something, tells while it is on its way, and what went wrong. */
export function ActionButton({ act, tone, sure, disabled = false, children }: ActionProps) {
  const busy = useSignal(false);
  const asking = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const run = async () => {
    asking.value = false;
    busy.value = true;
    wrong.value = undefined;
    try {
      await act();
    } catch (error) {
      wrong.value = wordsOf(error);
    }
    busy.value = false;
  };
  const begin = () => {
    if (sure === undefined) void run();
    else asking.value = true;
  };
  return html`<span class="action">
    <button type="button" class=${tone ?? ''} disabled=${disabled || busy.value} aria-busy=${busy.value} onClick=${begin}>${children}</button>
    ${wrong.value !== undefined && html`<span class="wrong" role="alert">${wrong.value}</span>`}
    ${
      asking.value &&
      sure !== undefined &&
      html`<${Dialog} title=${t(sure)} onClose=${() => {
        asking.value = false;
      }}>
        <p class="buttons"><button type="button" class=${tone ?? 'main'} onClick=${run}>${t(common.yes)}</button>
        <button type="button" onClick=${() => {
          asking.value = false;
        }}>${t(common.cancel)}</button></p>
      <//>`
    }
  </span>`;
}

interface FieldProps extends Children {
  readonly label: string;
  readonly hint?: string | undefined;
}
/** A label above what is filled in. */
export const FieldOf = ({ label: name, hint, children }: FieldProps) =>
  html`<label class="field"><span>${name}</span>${children}${hint !== undefined && html`<small>${hint}</small>`}</label>`;

interface TableProps {
  /** Of the rows, without the heads. */
  readonly id?: string;
  readonly caption: string;
  readonly heads: readonly string[];
  /** Cells in the order of the heads; on a phone each row is a card, its cells under the names of the heads. */
  readonly rows: readonly {
    readonly key: string;
    readonly cells: readonly unknown[];
    readonly class?: string;
  }[];
}
export const Table = ({ id, caption, heads, rows }: TableProps) =>
  html`<table class="rows">
    <caption class="hidden">${caption}</caption>
    <thead><tr>${heads.map((head) => html`<th scope="col">${head}</th>`)}</tr></thead>
    <tbody id=${id}>${rows.map(
      ({ key, cells, class: own = '' }) =>
        html`<tr key=${key} class=${own}>${cells.map((cell, i) => html`<td data-head=${heads[i]}><div>${cell}</div></td>`)}</tr>`,
    )}</tbody>
  </table>`;

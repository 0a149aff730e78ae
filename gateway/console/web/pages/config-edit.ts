/** The config is changed: written, checked and compared, taken up. */
import { useRef } from 'preact/hooks';
import type { ConfigApplied, ConfigDifference } from '../../contract/config.ts';
import type { ConfigDraft } from '../../contract/config-edit.ts';
import { get, post } from '../kit/api.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { ActionButton, FieldOf } from '../kit/parts.ts';
import { t } from '../kit/words.ts';
import { config as words } from '../words/config.ts';
import { Applied, Difference } from './config-outcome.ts';

/** `changed`: what the page shows of the config is another one. */
export function Edit({ changed }: { readonly changed: () => void }) {
  const draft = useSignal<ConfigDraft | undefined>(undefined);
  const applied = useSignal<ConfigApplied | undefined>(undefined);
  const begin = async () => {
    draft.value = await get<ConfigDraft>('/api/config/draft');
    applied.value = undefined;
  };
  const end = (outcome?: ConfigApplied) => {
    applied.value = outcome;
    if (outcome === undefined || outcome.done) draft.value = undefined;
    if (outcome !== undefined) changed();
  };
  return html`${draft.value === undefined ? html`<p><${ActionButton} act=${begin} tone="main">${t(words.change)}<//></p>` : html`<${Editor} key=${draft.value.sha256} of=${draft.value} end=${end} />`}
    ${draft.value === undefined && applied.value !== undefined && html`<${Applied} of=${applied.value} />`}`;
}

interface EditorProps {
  readonly of: ConfigDraft;
  readonly end: (outcome?: ConfigApplied) => void;
}
function Editor({ of: { text: before, sha256 }, end }: EditorProps) {
  const own = useRef<HTMLTextAreaElement>(null);
  const text = useField(before);
  const difference = useSignal<ConfigDifference | undefined>(undefined);
  const refused = useSignal<ConfigApplied | undefined>(undefined);
  const ask = async <T>(what: 'difference' | 'apply') => {
    refused.value = undefined;
    return await post<T>(`/api/config/${what}`, { text: text.value, sha256 });
  };
  const compare = async () => {
    difference.value = await ask<ConfigDifference>('difference');
  };
  const apply = async () => {
    const outcome = await ask<ConfigApplied>('apply');
    difference.value = undefined;
    if (!outcome.done) refused.value = outcome;
    end(outcome);
  };
  const show = (line: number) => {
    const area = own.current;
    if (area === null) return;
    const lines = area.value.split('\n');
    const from = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
    area.focus();
    area.setSelectionRange(from, from + (lines[line - 1]?.length ?? 0));
    area.scrollTop = (area.scrollHeight / Math.max(lines.length, 1)) * Math.max(0, line - 4);
  };
  const write = (event: Event) => {
    typed(text)(event);
    difference.value = undefined;
  };
  const read = async (event: Event) => {
    const [file] = (event.target as HTMLInputElement).files ?? [];
    if (file === undefined) return;
    text.value = await file.text();
    difference.value = undefined;
  };
  const found = difference.value;
  const isGood = found !== undefined && found.errors.length === 0 && found.why === undefined;
  return html`<section class="card editor" aria-labelledby="of-change"><h2 id="of-change">${t(words.change)}</h2>
    <${FieldOf} label=${t(words.text)} hint=${t(words.hint)}>
      <textarea ref=${own} class="config" rows="24" spellcheck=${false} wrap="off" value=${text.value} onInput=${write}></textarea>
    <//>
    <${FieldOf} label=${t(words.upload)}><input type="file" accept=".yaml,.yml" onChange=${read} /><//>
    <p class="buttons">
      <${ActionButton} act=${compare} tone=${isGood ? undefined : 'main'}>${t(words.compare)}<//>
      <${ActionButton} act=${apply} tone="main" sure=${words.sure} disabled=${!isGood}>${t(words.apply)}<//>
      <button type="button" onClick=${() => end()}>${t(words.abandon)}</button>
    </p>
    ${found !== undefined && html`<${Difference} of=${found} show=${show} />`}
    ${refused.value !== undefined && html`<${Applied} of=${refused.value} show=${show} />`}
  </section>`;
}

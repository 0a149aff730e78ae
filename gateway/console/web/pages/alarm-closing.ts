/** How an alarm is closed: what it was, in the field's words, and in one's own. */
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { Dialog, FieldOf, wordsOf } from '../kit/parts.ts';
import { label, t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';
import { common } from '../words/common.ts';
import { labels } from '../words/labels.ts';

interface ClosingProps {
  readonly kind: string;
  readonly place: string;
  readonly active: boolean;
  /** Throws what went wrong, which is shown. */
  readonly close: (reason: string, note: string) => Promise<unknown>;
  readonly onClose: () => void;
}
export function Closing({ kind, place, active, close, onClose }: ClosingProps) {
  const reason = useSignal('');
  const note = useField();
  const busy = useSignal(false);
  const wrong = useSignal<string | undefined>(undefined);
  const send = async (event: Event) => {
    event.preventDefault();
    busy.value = true;
    wrong.value = undefined;
    try {
      await close(reason.value, note.value);
      onClose();
    } catch (error) {
      wrong.value = wordsOf(error);
    }
    busy.value = false;
  };
  return html`<${Dialog} title=${t(words.closeTitle)} onClose=${onClose}>
    <form onSubmit=${send}>
      <p><strong>${label('kind', kind)}</strong> ${place}</p>
      ${active && html`<p>${t(words.stillActive)}</p>`}
      <fieldset class="choices"><legend>${t(words.reason)}</legend>${Object.keys(labels.closeReason).map(
        (one, i) =>
          html`<label key=${one}><input type="radio" name="reason" value=${one} required autofocus=${i === 0} checked=${reason.value === one} onChange=${() => {
            reason.value = one;
          }} /> ${label('closeReason', one)}</label>`,
      )}</fieldset>
      <${FieldOf} label=${t(words.note)} hint=${t(words.noteHint)}><textarea rows="3" maxlength="1000" value=${note.value} onInput=${typed(note)}></textarea><//>
      ${wrong.value !== undefined && html`<p class="wrong" role="alert">${wrong.value}</p>`}
      <p class="buttons"><button type="submit" class="main" disabled=${busy.value}>${t(words.closeNow)}</button> <button type="button" onClick=${onClose}>${t(common.cancel)}</button></p>
    </form>
  <//>`;
}

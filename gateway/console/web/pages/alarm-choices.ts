/** Sound and notifications, as this browser is to have them. */
import { html, useSignal } from '../kit/html.ts';
import { chooseNotifications, notifying, sound } from '../kit/on-guard.ts';
import { ring, soundIsOff, touch } from '../kit/sound.ts';
import { t } from '../kit/words.ts';
import { words } from '../words/alarms.ts';

export function GuardChoices() {
  const refused = useSignal(false);
  const switchSound = () => {
    const is = !sound.value.value;
    sound.set(is);
    if (!is) return;
    touch();
    ring();
  };
  const switchNotifications = async () => {
    refused.value = !(await chooseNotifications(!notifying.value.value));
  };
  return html`<div class="buttons">
    <button type="button" aria-pressed=${sound.value.value} onClick=${switchSound}>${t(sound.value.value ? words.soundOn : words.soundOff)}</button>
    <button type="button" aria-pressed=${notifying.value.value} onClick=${switchNotifications}>${t(notifying.value.value ? words.notifyOn : words.notifyOff)}</button>
    ${refused.value && html`<small role="status">${t(words.notifyNot)}</small>`}
    ${sound.value.value && soundIsOff.value && html`<small role="status">${t(words.touch)}</small>`}
  </div>`;
}

/** For who is not logged in. */
import { loggedIn, post } from '../kit/api.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { FieldOf, wordsOf } from '../kit/parts.ts';
import { t } from '../kit/words.ts';
import { login } from '../words/login.ts';

export async function enter(token: string): Promise<void> {
  await post('/login', { token });
  loggedIn.value = true;
}

export function LoginPage() {
  const token = useField();
  const wrong = useSignal('');
  const go = async (event: Event) => {
    event.preventDefault();
    await enter(token.value).catch((error) => {
      wrong.value =
        error.status === 401 ? t(login.wrong) : error.status === 429 ? t(login.tooMany) : wordsOf(error);
    });
  };
  return html`<main class="login" id="content">
    <h1>${t(login.title)}</h1>
    <form onSubmit=${go}>
      <${FieldOf} label=${t(login.token)} hint=${t(login.where)}>
        <input type="password" autocomplete="current-password" required value=${token} onInput=${typed(token)} />
      <//>
      <p role="alert">${wrong}</p>
      <button class="main">${t(login.go)}</button>
    </form>
  </main>`;
}

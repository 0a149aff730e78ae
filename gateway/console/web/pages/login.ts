/** For who is not logged in. */
import type { Login } from '../../contract/login.ts';
import { ApiError, loggedIn, post } from '../kit/api.ts';
import { spanOf } from '../kit/format.ts';
import { html, typed, useField, useSignal } from '../kit/html.ts';
import { FieldOf, wordsOf } from '../kit/parts.ts';
import { t, type Word } from '../kit/words.ts';
import { login } from '../words/login.ts';

/** @throws ApiError */
export async function enter(by: string | Login): Promise<void> {
  await post('/login', typeof by === 'string' ? { token: by } : by);
  loggedIn.value = true;
}

/** Why a login was refused, in words. */
export function whyNot(error: unknown): string {
  if (!(error instanceof ApiError)) return wordsOf(error);
  if (error.code === 'wrong-password') return t(login.wrong);
  if (error.code === 'wrong-token') return t(login.wrongToken);
  if (error.code !== 'too-many-guesses') return wordsOf(error);
  const seconds = Number(error.detail);
  return seconds > 0 ? t(login.tooMany, { time: spanOf(seconds * 1000) }) : t(login.tooManySoon);
}

interface LoginProps {
  /** Where a token is found, and what to do without a password; those of a console. */
  readonly where?: Word;
  readonly forgotten?: Word;
}
export function LoginPage({ where = login.where, forgotten = login.forgotten }: LoginProps) {
  const name = useField();
  const password = useField();
  const token = useField();
  const wrong = useSignal('');
  const submit = (by: () => Login) => async (event: Event) => {
    event.preventDefault();
    wrong.value = '';
    await enter(by()).catch((error) => {
      wrong.value = whyNot(error);
    });
  };
  return html`<main class="login" id="content">
    <h1>${t(login.title)}</h1>
    <form onSubmit=${submit(() => ({ name: name.value, password: password.value }))}>
      <${FieldOf} label=${t(login.name)}>
        <input name="name" autocomplete="username" autocapitalize="none" required maxlength="64" value=${name} onInput=${typed(name)} />
      <//>
      <${FieldOf} label=${t(login.password)}>
        <input name="password" type="password" autocomplete="current-password" required value=${password} onInput=${typed(password)} />
      <//>
      <p class="wrong" role="alert">${wrong}</p>
      <button class="main">${t(login.go)}</button>
    </form>
    <details>
      <summary>${t(login.withToken)}</summary>
      <form onSubmit=${submit(() => ({ token: token.value.trim() }))}>
        <${FieldOf} label=${t(login.token)} hint=${t(where)}>
          <input id="token" type="password" autocomplete="off" required maxlength="200" value=${token} onInput=${typed(token)} />
        <//>
        <button>${t(login.go)}</button>
      </form>
    </details>
    <p class="quiet">${t(forgotten)}</p>
  </main>`;
}

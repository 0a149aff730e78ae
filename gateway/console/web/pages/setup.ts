/** A password, by a link that serves once: of the first administrator, of a new user, of who forgot his. */
import type { LinkOwner, Setup, Welcome } from '../../contract/login.ts';
import { ApiError, loggedIn, post } from '../kit/api.ts';
import { html, typed, useEffect, useField, useSignal } from '../kit/html.ts';
import { FieldOf, wordsOf } from '../kit/parts.ts';
import { label, t, type Word } from '../kit/words.ts';
import { setup, weaknesses } from '../words/setup.ts';
import { whyNot } from './login.ts';

/** A link in the address, taken out of it at once: it is in no history. */
function takeLink(): string {
  const link = location.hash.slice(1);
  if (link !== '') history.replaceState(null, '', location.pathname);
  return link;
}
const given = location.pathname === '/setup' ? takeLink() : '';

/** Why a password was not taken. */
export function whyNotTaken(error: unknown): string {
  if (!(error instanceof ApiError)) return wordsOf(error);
  const weakness: Word | undefined = (weaknesses as Readonly<Record<string, Word>>)[error.detail ?? ''];
  if (error.code === 'password-weak' && weakness !== undefined) return t(weakness);
  return error.code === 'no-such-link' ? t(setup.over) : whyNot(error);
}

interface NewPassword {
  readonly password: ReturnType<typeof useField>;
  readonly again: ReturnType<typeof useField>;
}
export const NewPasswordFields = ({ password, again }: NewPassword) => html`
  <${FieldOf} label=${t(setup.password)}>
    <input name="new-password" type="password" autocomplete="new-password" required minlength="10" maxlength="200" value=${password} onInput=${typed(password)} />
  <//>
  <${FieldOf} label=${t(setup.again)}>
    <input name="again" type="password" autocomplete="new-password" required maxlength="200" value=${again} onInput=${typed(again)} />
  <//>`;

export function SetupPage() {
  const owner = useSignal<LinkOwner | undefined>(undefined);
  const wrong = useSignal('');
  const name = useField();
  const password = useField();
  const again = useField();
  useEffect(() => {
    post<LinkOwner>('/setup/link', { link: given }).then(
      (found) => {
        owner.value = found;
        name.value = found.name ?? '';
      },
      (error) => {
        wrong.value = whyNotTaken(error);
      },
    );
  }, []);
  const save = async (event: Event) => {
    event.preventDefault();
    wrong.value = password.value === again.value ? '' : t(setup.differ);
    if (wrong.value !== '') return;
    const body: Setup = { link: given, name: name.value, password: password.value };
    try {
      await post<Welcome>('/setup', body);
      // Another session than the one before, where there was one: all begins anew.
      loggedIn.value = true;
      location.replace('/');
    } catch (error) {
      wrong.value = whyNotTaken(error);
    }
  };
  const isFirst = owner.value?.name === null;
  return html`<main class="login" id="content">
    <h1>${t(isFirst ? setup.first : setup.title)}</h1>
    ${
      owner.value !== undefined &&
      html`<form onSubmit=${save}>
        <p>${t(setup.explain)}</p>
        <${FieldOf} label=${t(setup.name)} hint=${label('role', owner.value.role)}>
          <input name="name" autocomplete="username" autocapitalize="none" required maxlength="64" readonly=${!isFirst} value=${name} onInput=${typed(name)} />
        <//>
        <${NewPasswordFields} password=${password} again=${again} />
        <button class="main">${t(setup.go)}</button>
      </form>`
    }
    <p class="wrong" role="alert">${wrong}</p>
  </main>`;
}

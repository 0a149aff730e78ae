/** Who gets in at the platform: as at a console, with the roles that mean something here, and no screens. */
import { html } from '../../../console/web/kit/html.ts';
import { type Audience, UsersPage } from '../../../console/web/pages/users.ts';
import { roleHints, tokens } from '../words/city.ts';

const audience: Audience = {
  roles: Object.keys(roleHints),
  hints: roleHints,
  tokens: tokens.explain,
  hasScreens: false,
};

export const CityUsersPage = () => html`<${UsersPage} audience=${audience} />`;

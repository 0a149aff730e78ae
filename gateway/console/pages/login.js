import { t } from './common.js';

const byId = (id) => document.getElementById(id);
byId('words').textContent = t(
  'The token stands in the data folder, console.operator.token (for a gate screen: console.screen.token).',
  '令牌位于数据目录中的 console.operator.token（大门屏幕用 console.screen.token）。',
);
byId('go').textContent = t('Log in', '登录');

async function login(token) {
  const response = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (response.ok) return location.replace(location.pathname);
  byId('wrong').textContent =
    response.status === 429
      ? t('Too many wrong ones: wait a few seconds.', '错误次数过多，请稍候几秒再试。')
      : t('That is not the token.', '令牌不正确。');
}
byId('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void login(byId('token').value);
});
// The address that a terminal printed has it behind the #, which no server sees.
if (location.hash.length > 1) {
  const token = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  void login(token);
}

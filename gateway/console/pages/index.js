/** The overview: what is connected, what happens. */
import { follow, get, make, post, t } from './common.js';

const byId = (id) => document.getElementById(id);
const EVENTS = 200;
const LOOK_MS = 3000;

/** What devices and events are called, `/api/words`. */
let words = { names: {}, events: {} };
const nameOf = (id) => words.names[id] ?? id;

const row = (name, state, what) =>
  make('li', 'row', make('span', `dot ${state}`, name), make('span', 'quiet', what));
const card = (title, rows) =>
  rows.length === 0 ? [] : [make('section', '', make('h2', '', title), make('ul', '', ...rows))];

const states = {
  armed: t('armed', '已布防'),
  disarmed: t('disarmed', '未布防'),
  'exit-delay': t('exit delay', '退出延时'),
  'entry-delay': t('entry delay', '进入延时'),
  closed: t('closed', '关闭'),
  unlocked: t('unlocked', '已开锁'),
  open: t('open', '打开'),
  held: t('held open', '长时间未关'),
  forced: t('forced', '强行打开'),
};

function showStatus(status) {
  document.title = status.name;
  byId('name').textContent = status.name;
  byId('health').className = `dot ${status.healthy ? 'good' : 'bad'}`;
  byId('health').textContent = status.healthy
    ? t('the disk takes every event', '事件写盘正常')
    : t('the disk takes no events', '事件无法写盘');
  const uplinks = Object.entries(status.uplinks ?? {}).map(([id, uplink]) =>
    row(
      id,
      uplink.state === 'connected' ? 'good' : 'bad',
      uplink.backlog > 0
        ? t(`${uplink.backlog} wait`, `待发 ${uplink.backlog}`)
        : uplink.state === 'connected'
          ? t('connected', '已连接')
          : t('away', '未连接'),
    ),
  );
  const devices = Object.entries(status.devices ?? {}).map(([id, online]) =>
    row(
      nameOf(id),
      online === null ? '' : online ? 'good' : 'bad',
      online === null
        ? t('not heard of yet', '尚无消息')
        : online
          ? t('answers', '在线')
          : t('does not answer', '离线'),
    ),
  );
  const areas = Object.entries(status.areas ?? {}).map(([id, state]) =>
    row(nameOf(id), state === 'armed' ? 'good' : '', states[state] ?? state),
  );
  const doors = Object.entries(status.doors ?? {}).map(([id, state]) =>
    row(id, state === 'forced' ? 'bad' : state === 'held' ? 'warn' : '', states[state] ?? state),
  );
  const link = (href, name) => make('li', '', Object.assign(make('a', '', name), { href }));
  const cameras = status.cameras.map(({ id, name }) => link(`/live/${encodeURIComponent(id)}`, name ?? id));
  const gates = status.gates.map((id) => link(`/gate/${encodeURIComponent(id)}`, id));
  byId('side').replaceChildren(
    ...card(t('Platforms', '平台'), uplinks),
    ...card(t('Areas', '防区分区'), areas),
    ...card(t('Doors', '门'), doors),
    ...card(t('Cameras', '摄像机'), cameras),
    ...card(t('Gate screens', '接送屏幕'), gates),
    ...card(t('Devices', '设备'), devices),
  );
}

const kinds = {
  panic: '一键报警',
  intrusion: '入侵',
  perimeter: '周界',
  fence: '围栏',
  tamper: '防拆',
  fire: '火警',
  duress: '胁迫',
  collision: '冲撞',
  medical: '医疗求助',
  gas: '燃气',
  water: '漏水',
  environment: '环境',
  cancel: '取消',
};
const decisions = { granted: '通过', denied: '拒绝', unknown: '未登记' };
function showEvent(event) {
  const { type, time, data, subject } = event;
  const name = type.replace('cn.campus.', '');
  const where = [data.device?.name ?? nameOf(data.device?.id), data.zone?.name ?? subject]
    .filter(Boolean)
    .join(' / ');
  const { access } = data;
  const what = [
    data.kind === 'credential' ? undefined : t(data.kind, kinds[data.kind] ?? data.kind),
    data.cause,
    access && t(access.decision, decisions[access.decision]),
    access?.reason,
    data.text,
  ]
    .filter(Boolean)
    .join(' · ');
  const cells = [
    make('td', 'quiet', new Date(time).toLocaleTimeString('zh-CN', { hour12: false })),
    make('td', '', t(words.events[type]?.en ?? name, words.events[type]?.zh ?? name)),
    make('td', '', where),
    make('td', '', what),
    make('td', ''),
  ];
  if (data.picture !== undefined && /^image\//.test(data.contentType ?? 'image/')) {
    const image = make('img', '');
    image.alt = t('a picture of it', '现场图片');
    image.src = `/api/media/${data.picture}`;
    cells[4].append(image);
  }
  const line = make('tr', name === 'alarm.raised' || name === 'access.forced' ? 'alarm' : '', ...cells);
  line.dataset.id = event.id;
  const table = byId('events');
  table.prepend(line);
  while (table.children.length > EVENTS) table.lastChild.remove();
}

function showNotices(notices) {
  byId('notices').replaceChildren(
    ...notices.map(({ id, severity, text, validUntil }) => {
      const by = Object.assign(make('input', ''), {
        placeholder: t('your name', '您的姓名'),
        required: true,
        maxLength: 100,
      });
      const form = make('form', '', by, ' ', make('button', '', t('I have read it', '已阅')));
      form.addEventListener('submit', async (event) => {
        event.preventDefault();
        await post(`/api/notices/${encodeURIComponent(id)}/read`, { by: by.value });
        form.replaceChildren(t(`read by ${by.value}`, `${by.value} 已阅`));
        form.dataset.read = 'yes';
      });
      const until = new Date(validUntil).toLocaleString('zh-CN', { hour12: false });
      const own = make(
        'section',
        `notice ${severity}`,
        make('strong', '', text),
        make('p', 'quiet', t(`until ${until}`, `有效至 ${until}`)),
        form,
      );
      own.dataset.id = id;
      return own;
    }),
  );
}

let shown = '';
async function look() {
  showStatus(await get('/api/status'));
  const notices = await get('/api/notices');
  // Not while somebody types into one.
  if (JSON.stringify(notices) !== shown) showNotices(notices);
  shown = JSON.stringify(notices);
}

byId('logout').textContent = t('Log out', '退出登录');
byId('logout').addEventListener('click', async () => {
  await post('/api/logout', {});
  location.reload();
});

byId('events-title').textContent = t('What happens', '实时事件');
words = await get('/api/words');
follow(
  '/api/events',
  (event) => {
    if (![...byId('events').children].some(({ dataset }) => dataset.id === event.id)) showEvent(event);
    if (event.type.startsWith('cn.campus.notice.')) void look();
  },
  (there) => {
    byId('line').textContent = there ? '' : t('the gateway does not answer', '网关无应答');
  },
);
void look();
setInterval(() => void look().catch(() => {}), LOOK_MS);

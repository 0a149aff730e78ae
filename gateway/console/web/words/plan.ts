/** The plan of the campus. */
import type { Words } from './word.ts';

export const plan = {
  title: ['Plan', '平面图'],
  none: ['There is no plan yet.', '尚未上传平面图。'],
  begin: [
    'Upload a picture of the campus, then place zones, doors, cameras and readers on it.',
    '请上传校园图片，然后在图上放置防区、门、摄像机和读卡器。',
  ],
  ask: ['A technician can upload one.', '可由技术人员上传。'],
  upload: ['Upload a picture', '上传图片'],
  replace: ['Upload another picture', '更换图片'],
  pictureTypes: ['PNG, JPEG or WebP', 'PNG、JPEG 或 WebP'],
  removePicture: ['Remove the plan', '删除平面图'],
  removeSure: ['Remove the picture, and everything that was placed on it?', '删除图片以及图上的所有标记？'],
  edit: ['Place things', '编辑标记'],
  editing: [
    'Choose a thing, then click where it is. Drag it to move it. By keyboard: the arrow keys move what is chosen, with Shift further; Delete takes it off.',
    '先选择项目，再点击其所在位置；拖动可移动。键盘操作：方向键移动所选标记，按住 Shift 移动更多，Delete 删除标记。',
  ],
  discard: ['Discard changes', '放弃更改'],
  discardSure: ['Discard what was changed?', '放弃所做的更改？'],
  search: ['Search among {n} that are not placed', '在 {n} 个未放置项目中搜索'],
  toPlace: ['Not placed yet', '尚未放置'],
  allPlaced: ['All that fits is placed.', '符合条件的项目均已放置。'],
  moreThings: ['{n} more: search for them', '还有 {n} 项，请搜索'],
  inHand: ['{name}: click where it is', '{name}：请点击其所在位置'],
  middle: ['Put it into the middle', '放到中间'],
  takeOff: ['Take {name} off the plan', '从图上移除 {name}'],
  placed: ['{n} placed', '已放置 {n} 项'],
  picture: ['Plan of the campus', '校园平面图'],
  names: ['Names', '显示名称'],
  larger: ['Larger', '放大'],
  smaller: ['Smaller', '缩小'],
  bad: ['To be looked at', '需要关注'],
  allWell: ['Nothing on the plan is in alarm or in trouble.', '图上没有报警或异常。'],
  all: ['All {n} on the plan', '图上全部 {n} 项'],
  broken: ['The picture cannot be shown.', '无法显示图片。'],
} as const satisfies Words;

/** What is placed, by its kind. */
export const placeKinds = {
  zone: ['Zone', '防区'],
  door: ['Door', '门'],
  camera: ['Camera', '摄像机'],
  reader: ['Reader', '读卡器'],
  device: ['Device', '设备'],
} as const satisfies Words;

/** What devices and platforms speak. */
export const driver = {
  dc09: ['Alarm panel (SIA DC-09)', '报警主机（SIA DC-09）'],
  receiver: ['Alarm receiver', '接警机'],
  modbus: ['I/O module or fence (Modbus)', '输入输出模块、电子围栏（Modbus）'],
  osdp: ['Card reader (OSDP)', '读卡器（OSDP）'],
  wiegand: ['Card reader (serial)', '读卡器（串口）'],
  onvif: ['Camera (ONVIF)', '摄像机（ONVIF）'],
  'serial-line': ['Text display', '文字显示屏'],
  'http-push': ['Face or visitor terminal', '人脸、访客终端'],
} as const;

export const protocol = {
  mqtt: ['MQTT', 'MQTT'],
  gb28181: ['GB/T 28181', 'GB/T 28181'],
  gat1400: ['GA/T 1400', 'GA/T 1400'],
} as const;

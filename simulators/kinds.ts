/** The kinds of devices that simulators can be, for the help of the command line: names, and no code of theirs. */
export const fenceModels = ['pulse-fence-2zone', 'io-8zone', 'tension-fence'] as const;
export type FenceModel = (typeof fenceModels)[number];

export const terminalKinds = ['hikvision', 'dahua', 'zkteco', 'uniview', 'kiosk'] as const;
export type TerminalKind = (typeof terminalKinds)[number];

export const cardFormats = ['rdm6300', 'ascii', 'wiegand26', 'wiegand34'] as const;

export const receiverProtocols = ['mlr2', 'system-iii', 'ademco-685'] as const;
export type ReceiverProtocol = (typeof receiverProtocols)[number];

/** What a simulated platform of GB/T 28181 wants a password proved by. */
export const registerAlgorithms = ['md5', 'sha-256', 'sm3'] as const;
export type RegisterAlgorithm = (typeof registerAlgorithms)[number];

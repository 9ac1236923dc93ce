export const WORK_HELP = `jobslot job work [--slots N | --pool NAME] [--drain] [--dir DIR] [-- CMD…]`

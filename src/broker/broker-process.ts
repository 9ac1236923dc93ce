// The module of the shared worker that a pool's broker is. Bundled into one CommonJS file by scripts/bundle.mjs.
import { serve } from '../worker/inside/serve.ts'
import { Broker } from './broker.ts'
import { placeOfMark } from './place.ts'

const [mark = '', name = '""'] = process.argv.slice(2)
const broker = new Broker(placeOfMark(mark, JSON.parse(name)))
process.on('exit', () => broker.end())
serve(broker.methods)

// The module of the shared worker that a pool's broker is. Bundled into one CommonJS file by scripts/bundle.mjs.
import { serve } from '../worker/serve.ts'
import { Broker } from './broker.ts'
import { placeOfPool } from './place.ts'
import { sweepPools } from './sweep.ts'

const [name = ''] = process.argv.slice(2).map((text) => JSON.parse(text) as string)
const broker = new Broker(placeOfPool(name))
process.on('exit', () => broker.end())
serve(broker.methods)
// What killed brokers of other pools have left.
setImmediate(() => sweepPools({ except: name }))

import { mock, test } from 'node:test'
import { guardedRoute } from '../esm/app.mjs'

test('a guarded route', async () => {
  console.log(JSON.stringify(await guardedRoute()))
})

test('a guarded route under fake timers', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
  console.log(JSON.stringify(await guardedRoute()))
  mock.timers.reset()
})

const { mock, test } = require('node:test')
const { guardedRoute } = require('../commonjs/app.cjs')

test('a guarded route', async () => {
  console.log(JSON.stringify(await guardedRoute()))
})

test('a guarded route under fake timers', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate'] })
  console.log(JSON.stringify(await guardedRoute()))
  mock.timers.reset()
})

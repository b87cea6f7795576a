import { guardedRoute } from './app.mjs'

console.log(JSON.stringify(await guardedRoute()))

import { guardedRoute } from './app.js'

void guardedRoute().then((got) => console.log(JSON.stringify(got)))

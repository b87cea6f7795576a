import { render } from 'preact'
import { App } from './app.js'
import './style.css'

const root = document.getElementById('console')
if (root === null) throw new Error('The document has no element for the console.')
render(<App />, root)

import { ErrorBoundary, LocationProvider, Route, Router } from 'preact-iso'
import { loadAdministrator } from './administrator.js'
import { useAnswer } from './api/use-answer.js'
import { base, consolePath } from './base.js'
import { Frame } from './frame.js'
import { UnknownPage } from './pages/unknown-page.js'
import { pages } from './pages.js'
import { Loaded } from './ui/loaded.js'
import { StepUpDialog } from './ui/step-up-dialog.js'

/** The console: who is signed in, the frame, and the page of the address. */
export function App() {
  const account = useAnswer('me', loadAdministrator)
  return (
    <LocationProvider scope={consolePath}>
      <ErrorBoundary>
        <Loaded answer={account}>{({ role }) => (role === 'admin' ? <Pages /> : <NoAdministrator />)}</Loaded>
      </ErrorBoundary>
      <StepUpDialog />
    </LocationProvider>
  )
}

function Pages() {
  return (
    <Frame>
      <Router>
        {pages.map(({ path, component }) => (
          <Route key={path} path={consolePath + (path === '/' ? '' : path)} component={component} />
        ))}
        <Route default component={UnknownPage} />
      </Router>
    </Frame>
  )
}

function NoAdministrator() {
  return (
    <main class="alone">
      <h1>The console is for administrators</h1>
      <p>Your account is not an administrator of this server. An administrator can change its role.</p>
      <p>
        <a href={`${base}/account`}>Your account</a>
      </p>
    </main>
  )
}

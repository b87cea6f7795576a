import { useEffect, useRef } from 'preact/hooks'
import { ErrorBoundary, LocationProvider, Route, Router, useLocation } from 'preact-iso'
import { loadAdministrator, type SignedInAccount } from './administrator.js'
import { refusedAccess } from './api/refused-access.js'
import { useAnswer } from './api/use-answer.js'
import { consolePath } from './base.js'
import { Frame } from './frame.js'
import { UnknownPage } from './pages/unknown-page.js'
import { pages } from './pages.js'
import { beginArrival } from './shell/arrival.js'
import { ConnectionBanner } from './shell/connection-banner.js'
import { FailureBoundary } from './shell/failure-boundary.js'
import { Alone, NotAdministrator, SecondFactorMissing } from './shell/no-access.js'
import { Loaded } from './ui/loaded.js'
import { StepUpDialog } from './ui/step-up-dialog.js'
import { Toasts } from './ui/toasts.js'

/** The console: who is signed in, the frame, and the page of the address. */
export function App() {
  return (
    <FailureBoundary>
      <LocationProvider scope={consolePath}>
        <ConnectionBanner />
        <ErrorBoundary>
          <SignedIn />
        </ErrorBoundary>
        <StepUpDialog />
        <Toasts />
      </LocationProvider>
    </FailureBoundary>
  )
}

/** Reads the account again whenever the API has refused it as a whole. */
function SignedIn() {
  const account = useAnswer('me', loadAdministrator)
  const hadAccess = useRef(false)
  const refused = refusedAccess.value
  const { data, reload } = account
  useEffect(() => {
    if (refused === 'admin_required') void reload().then(() => (refusedAccess.value = undefined))
  }, [refused, reload])
  if (data === undefined) {
    return (
      <Alone title="Latchkey console">
        <Loaded answer={account}>{() => null}</Loaded>
      </Alone>
    )
  }
  if (!mayOpen(data)) return <NotAdministrator hadAccess={hadAccess.current} />
  hadAccess.current = true
  if (refused === 'second_factor_required_for_admin') return <SecondFactorMissing reload={reload} />
  return <Pages />
}

function mayOpen({ role }: SignedInAccount): boolean {
  return role !== 'user'
}

function Pages() {
  const { path } = useLocation()
  return (
    <Frame>
      <FailureBoundary path={path}>
        <Router onRouteChange={beginArrival}>
          {pages.map((page) => (
            <Route
              key={page.path}
              path={consolePath + (page.path === '/' ? '' : page.path)}
              component={page.component}
            />
          ))}
          <Route default component={UnknownPage} />
        </Router>
      </FailureBoundary>
    </Frame>
  )
}

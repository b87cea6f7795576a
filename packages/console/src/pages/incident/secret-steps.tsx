import { consolePath } from '../../base.js'
import { AccountSteps } from './account-steps.js'
import { Step } from './step.js'

/** The guide "A secret leaked". */
export function SecretSteps() {
  return (
    <AccountSteps>
      {(account) => (
        <>
          <Step title="2. See what it was used for">
            <p>
              {account === undefined ? (
                <a href={`${consolePath}/audit`}>The audit log</a>
              ) : (
                <a href={`${consolePath}/audit?account=${account.id}`}>The audit log of {account.email}</a>
              )}{' '}
              has its sign-ins, addresses and changes.
            </p>
          </Step>
          <Step title="3. Close the leak">
            <p>
              If the password is known as well, the owner must choose a new one: a person who knows it can sign in
              again. If it was the secret of a client, give the client a new one:{' '}
              <a href={`${consolePath}/clients`}>clients</a>. Remove the secret from the log, the repository or the
              message where it was found.
            </p>
          </Step>
        </>
      )}
    </AccountSteps>
  )
}

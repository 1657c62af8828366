// A job that runs one command of the service: `job` for an order, started for each, or `sweep` on a
// schedule. What it is given, and why, is in `main.bicep`.

@description('The region.')
param location string

@description('What the job is called.')
param name string

@description('The environment that it runs in.')
param environmentId string

@description('The identity that it is: its resource, and the id by which it asks for tokens.')
param identity { id: string, clientId: string }

@description('The registry of the image, if pulling takes an identity.')
param registries { server: string, identity: string }[]

@description('The image.')
param image string

@description('The command of `wasm-shim`.')
@allowed([
  'job'
  'sweep'
])
param command string

@description('Says where the store is. It holds no secret.')
param runtimeConfig string

@description('Variables of the app, as settings of its environment.')
param variables { name: string, value: string }[]

@description('When it runs, as a cron expression in UTC. Empty: when it is started.')
param schedule string = ''

@description('Who may start it: the object id of an identity. Empty: nobody who may not already.')
param starterId string = ''

@description('The longest that an execution may take.')
param executionSecondsMax int

// Reads, starts and stops a job.
var jobsOperator = 'b9a307c4-5aa3-4b52-ba60-2b17c136cd7b'

resource job 'Microsoft.App/jobs@2026-01-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      registries: registries
      triggerType: schedule == '' ? 'Manual' : 'Schedule'
      manualTriggerConfig: schedule == '' ? {
        parallelism: 1
        replicaCompletionCount: 1
      } : null
      scheduleTriggerConfig: schedule == '' ? null : {
        cronExpression: schedule
        parallelism: 1
        replicaCompletionCount: 1
      }
      replicaTimeout: executionSecondsMax
      // An order that failed is tried again by the service, which counts attempts and waits between them.
      replicaRetryLimit: 0
    }
    template: {
      containers: [
        {
          name: 'wasm-shim'
          image: image
          // For `job` the order is ORDER_ID, which whoever starts an execution adds to `env`.
          args: [
            command
            '--state-dir'
            '/state'
          ]
          // All of it is in the environment and nothing in a volume: an execution that is started with
          // containers of its own has no volumes, as its template has no such member.
          env: concat([
            {
              name: 'AZURE_CLIENT_ID'
              value: identity.clientId
            }
            {
              name: 'RUNTIME_CONFIG'
              value: runtimeConfig
            }
          ], variables)
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
        }
      ]
    }
  }
}

// This job alone, and neither its secrets nor other jobs.
resource start 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (starterId != '') {
  scope: job
  name: guid(job.id, starterId, jobsOperator)
  properties: {
    principalId: starterId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', jobsOperator)
  }
}

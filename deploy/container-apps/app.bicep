// The app: serves the API and the page to everybody, and works on orders unless a job does. What it is
// given, and why, is in `main.bicep`.

@description('The region.')
param location string

@description('What the app is called.')
param name string

@description('The environment that it runs in.')
param environmentId string

@description('The identity that it is: its resource, and the id by which it asks for tokens.')
param identity { id: string, clientId: string }

@description('The registry of the image, if pulling takes an identity.')
param registries { server: string, identity: string }[]

@description('The image.')
param image string

@description('The file that says where the store is and how orders are worked on.')
param runtimeConfig string

@description('Who may call.')
@secure()
param apiTokens string

@description('What the worker knows the processor by. Empty: nothing is sent.')
@secure()
param workerToken string

@description('Variables of the app, as settings of its environment.')
param variables { name: string, value: string }[]

@description('Whether orders are worked on here.')
param isProcessor bool

@description('The fewest replicas.')
param replicasMin int

@description('The most replicas.')
param replicasMax int

@description('How long a stop waits for requests and attempts.')
param drainSeconds int

@description('Cores of a replica, as a number in text.')
param cpu string

@description('Memory of a replica.')
param memory string

@description('A domain beside that of Azure. Empty: none.')
param domain string

@description('The certificate of that domain.')
param certificateId string

resource app 'Microsoft.App/containerApps@2026-01-01' = {
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
      activeRevisionsMode: 'Single'
      registries: registries
      secrets: concat([
        {
          name: 'runtime-config'
          value: runtimeConfig
        }
        {
          name: 'api-tokens'
          value: apiTokens
        }
      ], workerToken == '' ? [] : [
        {
          name: 'worker-token'
          value: workerToken
        }
      ])
      ingress: {
        external: true
        targetPort: 3000
        // The host speaks HTTP/1.1; TLS and HTTP/2 end at the ingress, which cuts a request at 240 s.
        transport: 'http'
        allowInsecure: false
        customDomains: domain == '' ? [] : [
          {
            name: domain
            bindingType: 'SniEnabled'
            certificateId: certificateId
          }
        ]
      }
    }
    template: {
      // From SIGTERM on: what the host waits for, and the time that it takes to hand back and close.
      terminationGracePeriodSeconds: drainSeconds + 15
      containers: [
        {
          name: 'wasm-shim'
          image: image
          args: [
            'up'
            '--listen'
            '0.0.0.0:3000'
            '--state-dir'
            '/state'
          ]
          env: concat([
            {
              name: 'AZURE_CLIENT_ID'
              value: identity.clientId
            }
            {
              name: 'RUNTIME_CONFIG_FILE'
              value: '/config/runtime-config.toml'
            }
            {
              name: 'SPIN_VARIABLE_API_TOKENS'
              secretRef: 'api-tokens'
            }
            // A changed secret makes no revision, and a running one keeps the old. This makes one.
            {
              name: 'SECRETS_DIGEST'
              value: uniqueString(runtimeConfig, apiTokens, workerToken)
            }
          ], workerToken == '' ? [] : [
            {
              name: 'SPIN_VARIABLE_WORKER_TOKEN'
              secretRef: 'worker-token'
            }
          ], variables)
          resources: {
            cpu: json(cpu)
            memory: memory
          }
          volumeMounts: [
            {
              volumeName: 'config'
              mountPath: '/config'
            }
          ]
          // Requests as any others, so each asks for a sweep when one is due: probes drive recovery. Keep
          // their period below `sweep_seconds`, which is 15.
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: 3000
              }
              // Opening the store's account takes a while where it is slow, and so does a start on a busy node: they
              // have 100 seconds.
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: 3000
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
            // It asks the store too. Never use it for liveness: a restart mends no store.
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 3000
              }
              periodSeconds: 10
              timeoutSeconds: 5
              failureThreshold: 3
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'config'
          storageType: 'Secret'
          secrets: [
            {
              secretRef: 'runtime-config'
              path: 'runtime-config.toml'
            }
          ]
        }
      ]
      scale: {
        minReplicas: replicasMin
        maxReplicas: replicasMax
        // Requests that wait for an order's end, and event streams, count for as long as they last.
        rules: concat([
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '100'
              }
            }
          }
        ], isProcessor ? [
          // For work that computes. It keeps a replica alive, so an app that may end has it not.
          {
            name: 'processor'
            custom: {
              type: 'cpu'
              metadata: {
                type: 'Utilization'
                value: '70'
              }
            }
          }
        ] : [])
      }
    }
  }
}

@description('Where the service is.')
output url string = 'https://${app.properties.configuration.ingress.fqdn}'

// .teamcity/settings.kts
import jetbrains.buildServer.configs.kotlin.*
import jetbrains.buildServer.configs.kotlin.buildSteps.script
import jetbrains.buildServer.configs.kotlin.triggers.schedule
import jetbrains.buildServer.configs.kotlin.triggers.vcs

version = "2025.11"

project {
    buildType(Rollout)
}

object Rollout : BuildType({
    name = "Rollout of dev-podinfo"
    // one run at a time; a newer one waits
    maxRunningBuilds = 1
    artifactRules = "deploy/rollout.jsonl"
    params {
        param("env.AWS_REGION", "eu-central-1")
        password("env.PULUMI_CONFIG_PASSPHRASE", "credentialsJSON:00000000-0000-0000-0000-000000000000")
    }
    vcs {
        root(DslContext.settingsRoot)
    }
    triggers {
        vcs { triggerRules = "+:deploy/**" }
        // goes on with what an earlier run left
        schedule {
            schedulingPolicy = cron { minutes = "*/15" }
            triggerBuild = always()
            withPendingChangesOnly = false
        }
    }
    failureConditions {
        executionTimeoutMin = 60
    }
    steps {
        script {
            workingDir = "deploy"
            scriptContent = """
                npm ci
                sh rollout.sh dev-podinfo --until-done --for 50m
            """.trimIndent()
            dockerImage = "pulumi/pulumi-nodejs:3.255.0"
        }
    }
})

import BrokerModel
import ProviderKit

/// What a resource that is to be made will be: decided from its name and what was asked for, before anything is done.
struct ResourcePlan: Equatable {
    let name: ResourceName
    let serviceClass: ServiceClass
    let provider: ProviderReference
    let plan: Plan

    /// - Parameters:
    ///   - serviceClass: as asked for; else the class of the provider's URL, else what the name suggests, else the only
    ///     class that the provider serves.
    ///   - offerings: what the provider serves.
    ///   - command: the command that was typed, without its options, for the fix.
    init(
        name: ResourceName, serviceClass: ServiceClass?, provider: ProviderReference?, plan: String?,
        offerings: [Offering], command: String
    ) throws(BrokerError) {
        let provider = provider ?? .emulator
        let option = provider == .emulator ? "" : " --provider \(provider.argument)"
        guard let serviceClass = serviceClass ?? Self.suggested(name, provider, offerings) else {
            throw BrokerError(
                .classUnknown, "what class \"\(name)\" is to have is not known",
                why: "the name suggests none (cache, db, store, queue and jobs do)",
                fix: "\(command) --class redis\(option)")
        }
        guard let offering = offerings.first(where: { $0.serviceClass == serviceClass }) else {
            // The other class of the same provider, unless the program is known to be a server of this one.
            let other = offerings.first { _ in ServedClasses.own(of: provider) != serviceClass }
            throw BrokerError(
                .unsupported, "\"\(provider)\" cannot serve class \(serviceClass.rawValue)",
                why: ServedClasses.why(not: serviceClass, provider, offerings),
                fix: other.map { "\(command) --class \($0.serviceClass.rawValue)\(option)" }
                    ?? "\(command) --class \(serviceClass.rawValue)")
        }
        self.name = name
        self.serviceClass = serviceClass
        self.provider = provider
        self.plan =
            if let plan {
                try Plan(
                    named: plan, for: serviceClass, by: provider,
                    command: "\(command) --class \(serviceClass.rawValue)\(option)")
            } else {
                // An offering without a plan is a provider's mistake; the class's own plans are the same ones.
                offering.plans.first ?? Plan.offered(for: serviceClass, by: provider)[0]
            }
    }

    private static func suggested(
        _ name: ResourceName, _ provider: ProviderReference, _ offerings: [Offering]
    ) -> ServiceClass? {
        if case .url(let url) = provider { return url.serviceClass }
        return ServiceClass(defaultFor: name) ?? ServedClasses.own(of: provider)
            ?? (offerings.count == 1 ? offerings.first?.serviceClass : nil)
    }

    /// Throws `resourceExists` where a resource of the name is there and is not what was asked for.
    static func checkExisting(
        _ resource: Resource, serviceClass: ServiceClass?, provider: ProviderReference?, plan: String? = nil
    ) throws(BrokerError) {
        if let serviceClass, serviceClass != resource.serviceClass {
            throw BrokerError(
                .resourceExists, "\"\(resource.name)\" is there and is \(resource.serviceClass.rawValue)",
                why: "\(serviceClass.rawValue) was asked for; a resource keeps its class",
                fix: "broker create \(resource.name)2 --class \(serviceClass.rawValue)")
        }
        if let provider, provider != resource.provider {
            throw BrokerError(
                .resourceExists, "\"\(resource.name)\" is there and is served by \(resource.provider)",
                why: "\(provider) was asked for", fix: "broker swap \(resource.name) --to \(provider.argument)")
        }
        if let plan, plan != resource.plan.name {
            throw BrokerError(
                .resourceExists, "\"\(resource.name)\" is there with the plan \(resource.plan)",
                why: "the plan \(plan.prefix(80)) was asked for; a resource keeps its plan",
                fix: "broker create \(resource.name)")
        }
    }
}

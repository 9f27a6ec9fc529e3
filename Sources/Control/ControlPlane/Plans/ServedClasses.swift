import BrokerModel
import ProviderKit

/// Who can serve which class, in words for people.
enum ServedClasses {
    /// The class of a provider's servers whatever this version can do with them: `exec:beanstalkd` is beanstalk. Nil
    /// where that is not known, and for the emulator, which has all.
    static func own(of provider: ProviderReference) -> ServiceClass? {
        switch provider {
        case .emulator: nil
        case .exec(let program): ServiceClass(ofProgram: program)
        case .url(let url): url.serviceClass
        }
    }

    /// Why a provider with these offerings does not serve the class, and who does.
    static func why(not serviceClass: ServiceClass, _ provider: ProviderReference, _ offerings: [Offering]) -> String {
        let served = offerings.map(\.serviceClass.rawValue).joined(separator: ", ")
        let kind =
            switch provider {
            case .emulator: "the emulator"
            case .exec: "a program (exec:)"
            case .url: "a URL"
            }
        return "\(kind) can serve class \(served) so far; class \(serviceClass.rawValue) is served by the emulator"
    }
}
